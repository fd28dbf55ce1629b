//! What is to be otherwise: settings of the market, its routing policy, both, or nothing.

use omnifold_events::{Event, v1};

use super::settings::Settings;

/// A change from what happened. The default changes nothing: it shows what the model alone does.
#[derive(Debug, Clone, Default)]
pub struct Change {
    settings: Settings,
    policy: Option<Ruling>,
}

/// A routing policy that rules in place of those that did.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// For people: its name and version.
    pub label: String,
    /// The document, ready to be activated beside any policy of the history: active, without an end,
    /// and of a name that the history does not know.
    pub document: String,
}

impl Change {
    /// Other settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Change { settings, ..self }
    }

    /// Another policy.
    #[must_use]
    pub fn with_policy(self, policy: Option<Ruling>) -> Self {
        Change { policy, ..self }
    }

    /// For people: `coverage=ALLOW_PARTIAL, policy cheap 2`.
    pub fn name(&self) -> String {
        let policy = self.policy.as_ref().map(|policy| format!("policy {}", policy.label));
        let said: Vec<String> = self.settings.name().into_iter().chain(policy).collect();
        if said.is_empty() { "as it was".to_owned() } else { said.join(", ") }
    }

    /// A recorded event as it is to be replayed from the beginning of the change on; `None` leaves
    /// it out. Later words of the operator's keep the change.
    pub fn alter(&self, event: Event) -> Option<Event> {
        match event {
            Event::MarketConfigured(configured) => Some(self.settings.applied(configured).into()),
            Event::PolicyActivated(_) | Event::PolicyRetired(_) if self.policy.is_some() => None,
            other => Some(other),
        }
    }

    /// Events on `network` that begin the change in a market that has these settings.
    pub fn begin(&self, settings: &v1::MarketConfigured) -> Vec<Event> {
        let mut events = Vec::new();
        if !self.settings.is_empty() {
            events.push(self.settings.applied(settings.clone()).into());
        }
        events.extend(self.rule());
        events
    }

    /// The event that has the policy rule.
    pub fn rule(&self) -> Option<Event> {
        let document = self.policy.as_ref()?.document.clone();
        Some(v1::PolicyActivated { document, ..Default::default() }.into())
    }
}
