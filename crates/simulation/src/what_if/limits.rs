//! What a figure must keep to: `cost_minor<=125000`, `change.cost_minor<=2%`, `fill_rate_percent>=98`.

use super::figures::{FIGURES, Figures};

/// A limit on a figure of the new side, or on how far it changed from the old one.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// As it was written.
    pub text: String,
    subject: Subject,
    is_most: bool,
    bound: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Subject {
    /// Orders that other nodes serve.
    Moved,
    /// The figure itself.
    Figure(String),
    /// The new figure less the old one.
    Change(String),
    /// The same, in per cent of the old one.
    Share(String),
}

/// Why a word is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// It has neither `<=` nor `>=`, or no number after it.
    #[error("`{0}` is not FIGURE<=NUMBER or FIGURE>=NUMBER, such as cost_minor<=125000")]
    Form(String),
    /// There is no such figure.
    #[error("`{0}` is no figure; there are: moved, load.NODE, {names}, and change.FIGURE", names = names())]
    Figure(String),
    /// Only a change has a whole to be a share of.
    #[error("`{0}`: a limit in % is for change.FIGURE")]
    Share(String),
}

fn names() -> String {
    FIGURES.map(|figure| figure.name).join(", ")
}

impl Limit {
    /// Reads a limit.
    ///
    /// # Errors
    /// Where it is none, or the figure is not known.
    pub fn parse(text: &str) -> Result<Self, LimitError> {
        let form = || LimitError::Form(text.to_owned());
        let most = text.split_once("<=").map(|(name, bound)| (name, true, bound));
        let least = || text.split_once(">=").map(|(name, bound)| (name, false, bound));
        let (name, is_most, bound) = most.or_else(least).ok_or_else(form)?;
        let (name, bound) = (name.trim(), bound.trim());
        let (number, is_share) = match bound.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (bound, false),
        };
        let bound: f64 = number.parse().map_err(|_| form())?;
        if !bound.is_finite() {
            return Err(form());
        }
        let subject = subject(name, is_share, text)?;
        Ok(Limit { text: text.to_owned(), subject, is_most, bound })
    }

    /// What is measured: `None` where either side has no such figure, or there is no whole.
    pub fn measure(&self, old: &Figures, new: &Figures, moved: u64) -> Option<f64> {
        let change = |name: &str| Some(new.named(name)? - old.named(name)?);
        match &self.subject {
            Subject::Moved => Some(moved as f64),
            Subject::Figure(name) => new.named(name),
            Subject::Change(name) => change(name),
            Subject::Share(name) => match (change(name)?, old.named(name)?) {
                (0.0, _) => Some(0.0),
                (_, 0.0) => None,
                (change, old) => Some(100.0 * change / old),
            },
        }
    }

    /// Whether what was measured keeps to it. What cannot be measured does not: a check that cannot
    /// be made is not one that was passed.
    pub fn holds(&self, measured: Option<f64>) -> bool {
        measured.is_some_and(|it| if self.is_most { it <= self.bound } else { it >= self.bound })
    }
}

fn subject(name: &str, is_share: bool, text: &str) -> Result<Subject, LimitError> {
    let (figure, is_change) = match name.strip_prefix("change.") {
        Some(figure) => (figure, true),
        None => (name, false),
    };
    let is_load = figure.strip_prefix("load.").is_some_and(|node| !node.is_empty());
    let is_known = is_load || FIGURES.iter().any(|known| known.name == figure);
    let figure = figure.to_owned();
    match (is_known, is_change, is_share) {
        (false, false, _) if figure != "moved" => Err(LimitError::Figure(figure)),
        (false, true, _) => Err(LimitError::Figure(figure)),
        (_, false, true) => Err(LimitError::Share(text.to_owned())),
        (false, false, false) => Ok(Subject::Moved),
        (true, false, false) => Ok(Subject::Figure(figure)),
        (true, true, false) => Ok(Subject::Change(figure)),
        (true, true, true) => Ok(Subject::Share(figure)),
    }
}
