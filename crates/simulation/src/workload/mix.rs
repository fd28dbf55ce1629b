//! The mix: what share of orders does what, and which stock makes it so. Read from
//! `benches/mix.toml`; the file says what each figure means.

use omnifold_events::v1;
use serde::Deserialize;

/// The mix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Same seed, same bytes.
    pub seed: u64,
    /// Nodes of the market.
    pub nodes: usize,
    /// SKUs of the market.
    pub skus: usize,
    /// Pace of the simulated clock.
    pub orders_per_day: u64,
    /// The market's settings.
    pub market: MarketMix,
    /// Shares of orders.
    pub permille: Permille,
    /// The stock that makes the shares come out.
    pub stock: StockMix,
}

/// The market's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketMix {
    /// `ship_complete` or `allow_partial`.
    pub coverage: Coverage,
    /// `refuse` or `wait`.
    pub shortage: Shortage,
    /// `full`, `chosen_and_runner_up` or `none`.
    pub explanation: Explanation,
}

/// See [`v1::Coverage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Coverage {
    ShipComplete,
    AllowPartial,
}

/// See [`v1::Shortage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Shortage {
    Refuse,
    Wait,
}

/// See [`v1::ExplanationLevel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Explanation {
    Full,
    ChosenAndRunnerUp,
    None,
}

/// Shares, in orders of a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permille {
    /// Need more than one node.
    pub split: usize,
    /// Wait for stock.
    pub wait: usize,
    /// Are turned down by the first node.
    pub rejected: usize,
    /// Come twice.
    pub duplicate: usize,
}

/// Stock levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockMix {
    /// SKUs in each of the three groups that no node stocks together.
    pub split_skus: usize,
    /// SKUs that run out and come back.
    pub scarce_skus: usize,
    /// Orders that a scarce SKU serves, and then that wait.
    pub scarce_run: usize,
    /// Units of every other SKU at each of its nodes.
    pub units: i64,
    /// Orders between two deliveries.
    pub delivery_every: u64,
    /// Units of a delivery.
    pub delivery_units: i64,
}

/// A mix that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MixError {
    /// Not the form of `benches/mix.toml`.
    #[error("the mix is not readable")]
    Form(#[from] toml::de::Error),
    /// The figures contradict each other.
    #[error("the mix cannot be made: {0}")]
    Impossible(String),
}

impl Mix {
    /// Reads and checks a mix.
    pub fn parse(text: &str) -> Result<Mix, MixError> {
        let mix: Mix = toml::from_str(text)?;
        match mix.fault() {
            None => Ok(mix),
            Some(fault) => Err(MixError::Impossible(fault)),
        }
    }

    /// Orders of a thousand that ask for a scarce SKU: half of them wait.
    pub(super) fn scarce_permille(&self) -> usize {
        2 * self.permille.wait
    }

    /// SKUs that every node stocks.
    pub(super) fn plain_skus(&self) -> usize {
        self.skus - 3 * self.stock.split_skus - self.stock.scarce_skus
    }

    fn fault(&self) -> Option<String> {
        let shares = self.permille.split + self.scarce_permille() + self.permille.rejected;
        let special = 3 * self.stock.split_skus + self.stock.scarce_skus;
        let positive = [
            ("orders_per_day", self.orders_per_day),
            ("stock.delivery_every", self.stock.delivery_every),
            ("stock.split_skus", self.stock.split_skus as u64),
            ("stock.scarce_skus", self.stock.scarce_skus as u64),
            ("stock.scarce_run", self.stock.scarce_run as u64),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Some(format!("`{name}` must be above 0"));
        }
        if self.nodes < 3 {
            return Some(format!("`nodes` is {}, three groups of nodes need 3", self.nodes));
        }
        if special + 3 > self.skus {
            return Some(format!("`skus` is {}, the groups alone take {special}", self.skus));
        }
        if shares > 1_000 || self.permille.duplicate > 1_000 {
            return Some(format!("the shares add up to {shares} of 1000 (waiting counts twice)"));
        }
        None
    }

    /// The market's first event. The clock is the caller's choice: `EVENTS` for a backlog,
    /// `WALL` where orders are sent as time goes by.
    pub(super) fn market_configured(&self, clock: v1::ClockKind) -> v1::MarketConfigured {
        let coverage = match self.market.coverage {
            Coverage::ShipComplete => v1::Coverage::ShipComplete,
            Coverage::AllowPartial => v1::Coverage::AllowPartial,
        };
        let shortage = match self.market.shortage {
            Shortage::Refuse => v1::Shortage::Refuse,
            Shortage::Wait => v1::Shortage::Wait,
        };
        let explanation = match self.market.explanation {
            Explanation::Full => v1::ExplanationLevel::Full,
            Explanation::ChosenAndRunnerUp => v1::ExplanationLevel::ChosenAndRunnerUp,
            Explanation::None => v1::ExplanationLevel::None,
        };
        v1::MarketConfigured {
            clock: clock.into(),
            currency: "EUR".to_owned(),
            coverage: coverage.into(),
            shortage: shortage.into(),
            explanation: explanation.into(),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../../benches/mix.toml");

    #[test]
    fn the_fixed_mix_is_the_one_that_was_agreed() {
        let mix = Mix::parse(FILE).expect("the file of the repository");
        assert_eq!((mix.nodes, mix.skus), (20, 10_000));
        let shares = mix.permille;
        assert_eq!(
            (shares.split, shares.wait, shares.rejected, shares.duplicate),
            (100, 30, 20, 10)
        );
        assert_eq!(mix.market.explanation, Explanation::Full);
    }

    #[test]
    fn a_mix_that_contradicts_itself_is_refused_with_the_figure() {
        for (from, to, word) in [
            ("split = 100", "split = 990", "shares"),
            ("skus = 10_000", "skus = 1_500", "skus"),
            ("nodes = 20", "nodes = 2", "nodes"),
            ("scarce_run = 4", "scarce_run = 0", "scarce_run"),
        ] {
            let error = Mix::parse(&FILE.replace(from, to)).expect_err(to);
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = Mix::parse(&format!("sede = 1\n{FILE}")).expect_err("a misspelt key");
        assert!(matches!(error, MixError::Form(_)), "{error}");
    }
}
