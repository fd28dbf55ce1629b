//! Why an event is refused. A refused event has changed nothing (law L8).

/// The stable code of a refusal, as it stands on `rejected` and in outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // docs/EVENTS.md has a sentence for each
pub enum Reason {
    UnknownType,
    TooLarge,
    Malformed,
    UndeclaredField,
    MissingHeader,
    UnknownVersion,
    UnknownContentType,
    MalformedHeader,
    WrongTopic,
    IdReused,
    TooLate,
    FromTheFuture,
    NoMarket,
    ClockFixed,
    UnknownRules,
    UnknownNode,
    UnknownSku,
    NodeClaimed,
    InvalidLocation,
    InvalidQuantity,
    InvalidScale,
    InvalidIdentifier,
    UnknownCurrency,
    InvalidMoney,
    NoLines,
    TooManyLines,
    DuplicateLine,
    DuplicateOrder,
    UnknownOrder,
    UnknownLine,
    UnknownFulfilment,
    AlreadyShipped,
    AlreadyRejected,
    WrongState,
    NothingLeft,
    StandsElsewhere,
    InsufficientStock,
    Overflow,
    AssertionFailed,
    Unfillable,
    NotStocked,
    DuplicateHold,
    UnknownHold,
    TooManyHolds,
    OnHold,
    CurrencyMismatch,
    UnknownPayment,
    TooManyPayments,
    OverCapture,
    OverVoid,
    OverRefund,
    StaleRevision,
    InvalidDate,
    NothingToChange,
    NotCancelled,
    ReleaseNotRequested,
    ReleaseRefused,
    InvalidTime,
    UnknownZone,
}

impl Reason {
    /// The code as text.
    pub fn code(self) -> &'static str {
        match self {
            Reason::UnknownType => "unknown_type",
            Reason::TooLarge => "too_large",
            Reason::Malformed => "malformed",
            Reason::UndeclaredField => "undeclared_field",
            Reason::MissingHeader => "missing_header",
            Reason::UnknownVersion => "unknown_version",
            Reason::UnknownContentType => "unknown_content_type",
            Reason::MalformedHeader => "malformed_header",
            Reason::WrongTopic => "wrong_topic",
            Reason::IdReused => "id_reused",
            Reason::TooLate => "too_late",
            Reason::FromTheFuture => "from_the_future",
            Reason::NoMarket => "no_market",
            Reason::ClockFixed => "clock_fixed",
            Reason::UnknownRules => "unknown_rules",
            Reason::UnknownNode => "unknown_node",
            Reason::UnknownSku => "unknown_sku",
            Reason::NodeClaimed => "node_claimed",
            Reason::InvalidLocation => "invalid_location",
            Reason::InvalidQuantity => "invalid_quantity",
            Reason::InvalidScale => "invalid_scale",
            Reason::InvalidIdentifier => "invalid_identifier",
            Reason::UnknownCurrency => "unknown_currency",
            Reason::InvalidMoney => "invalid_money",
            Reason::NoLines => "no_lines",
            Reason::TooManyLines => "too_many_lines",
            Reason::DuplicateLine => "duplicate_line",
            Reason::DuplicateOrder => "duplicate_order",
            Reason::UnknownOrder => "unknown_order",
            Reason::UnknownLine => "unknown_line",
            Reason::UnknownFulfilment => "unknown_fulfilment",
            Reason::AlreadyShipped => "already_shipped",
            Reason::AlreadyRejected => "already_rejected",
            Reason::WrongState => "wrong_state",
            Reason::NothingLeft => "nothing_left",
            Reason::StandsElsewhere => "stands_elsewhere",
            Reason::InsufficientStock => "insufficient_stock",
            Reason::Overflow => "overflow",
            Reason::AssertionFailed => "assertion_failed",
            Reason::Unfillable => "unfillable",
            Reason::NotStocked => "not_stocked",
            Reason::DuplicateHold => "duplicate_hold",
            Reason::UnknownHold => "unknown_hold",
            Reason::TooManyHolds => "too_many_holds",
            Reason::OnHold => "on_hold",
            Reason::CurrencyMismatch => "currency_mismatch",
            Reason::UnknownPayment => "unknown_payment",
            Reason::TooManyPayments => "too_many_payments",
            Reason::OverCapture => "over_capture",
            Reason::OverVoid => "over_void",
            Reason::OverRefund => "over_refund",
            Reason::StaleRevision => "stale_revision",
            Reason::InvalidDate => "invalid_date",
            Reason::NothingToChange => "nothing_to_change",
            Reason::NotCancelled => "not_cancelled",
            Reason::ReleaseNotRequested => "release_not_requested",
            Reason::ReleaseRefused => "release_refused",
            Reason::InvalidTime => "invalid_time",
            Reason::UnknownZone => "unknown_zone",
        }
    }
}

/// A refusal: the code, and what and where for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", reason.code())]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    /// What is wrong, and with what.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its explanation.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Refusal { reason, detail: detail.into() }
    }
}
