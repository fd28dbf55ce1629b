//! Events on `network` about the routing policy.

use omnifold_events::v1;

use super::network::serve_every_queue;
use super::serve_if_waited;
use crate::policy::{Lifecycle, Policy};
use crate::{Reason, Refusal, SkuIx, State, Work};

/// The policy of the event rules from here on. What waits is tried again under it.
pub(super) fn activate<S: State>(
    state: &mut S,
    event: &v1::PolicyActivated,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let policy = Policy::read(&event.document)
        .map_err(|fault| Refusal::new(Reason::InvalidPolicy, fault.to_string()))?;
    if policy.state != Lifecycle::Active {
        let detail = format!("policy `{}` is not `active` by its own word", policy.name);
        return Err(Refusal::new(Reason::PolicyNotActive, detail));
    }
    let active = policy.activated();
    if !event.hash.is_empty() && event.hash != active.hash {
        let detail = format!("the canonical form of `{}` hashes to {}", active.name, active.hash);
        return Err(Refusal::new(Reason::PolicyMismatch, detail));
    }
    let mut settings = state.settings().expect("checked before every fold").clone();
    if let Some(old) = settings.policy.as_ref().filter(|old| old.name == active.name) {
        let is_same = active.version == old.version && active.hash == old.hash;
        if active.version <= old.version && !is_same {
            let (new, old) = (active.version, old.version);
            let detail = format!("version {new} of `{}` cannot follow version {old}", active.name);
            return Err(Refusal::new(Reason::StalePolicy, detail));
        }
    }
    settings.policy = Some(Box::new(active));
    state.put_settings(settings);
    serve_every_queue(state, work);
    look_again_at_put_off(state, work);
    Ok(())
}

/// The market's settings rule again.
pub(super) fn retire<S: State>(
    state: &mut S,
    event: &v1::PolicyRetired,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut settings = state.settings().expect("checked before every fold").clone();
    if settings.policy.as_ref().is_none_or(|policy| policy.name != event.name) {
        let detail = format!("policy `{}` is not in force", event.name);
        return Err(Refusal::new(Reason::UnknownPolicy, detail));
    }
    settings.policy = None;
    state.put_settings(settings);
    serve_every_queue(state, work);
    look_again_at_put_off(state, work);
    Ok(())
}

/// What the old policy put off may not have to wait by what rules now.
fn look_again_at_put_off<S: State>(state: &mut S, work: &mut Vec<Work>) {
    for queue in [SkuIx::WAVE, SkuIx::DEFERRED] {
        serve_if_waited(state, queue, work);
    }
}
