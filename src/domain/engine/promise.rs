//! TEMP promise
use super::*;
pub(super) struct Promise {
    pub(super) left_ms: Millis,
    pub(super) target_ppm: u32,
}
impl Engine {
    pub(super) fn promise_of(&self, _s: &Subsystem) -> Option<Promise> {
        None
    }
    pub(super) fn burn_milli(&self, _id: &SubsystemId) -> Option<(i64, i64)> {
        None
    }
    pub(super) fn consider_risk(&mut self, _out: &mut Output, _id: &SubsystemId) {}
}
/// TEMP
pub fn burn_states() {}
