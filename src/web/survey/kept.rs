//! The survey of the last 92 days as the daemon shows it: made once an hour, since tallies are, and for each reload.

use super::{gather, surveys};
use crate::domain::survey::{PERIOD_MS, Survey};
use crate::domain::*;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The last survey; whoever comes while it is made waits for it instead of making another.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Surveys(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    hour: Timestamp,
    inventory: Arc<Inventory>,
    surveys: Arc<Vec<Survey>>,
}

impl Surveys {
    /// The survey of every subsystem up to the last full hour, in the order of the ids; none where nothing is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(in crate::web) async fn read(&self, state: &WebState) -> Result<Arc<Vec<Survey>>, Problem> {
        let Some(store) = &state.store else { return Ok(Arc::default()) };
        let (now, inventory) = (state.now(), Arc::clone(&state.picture().inventory));
        let hour = now - now.0.rem_euclid(HOUR);
        let mut kept = self.0.lock().await;
        if let Some(last) = &*kept
            && last.hour == hour
            && Arc::ptr_eq(&last.inventory, &inventory)
        {
            return Ok(Arc::clone(&last.surveys));
        }
        let period = Span::new(hour - PERIOD_MS, hour);
        let gathered = gather(store, &inventory, period, |_| true).await;
        let gathered = gathered.map_err(|e| Problem::unavailable(format!("the store cannot be read: {e}")))?;
        let shape = Arc::clone(&inventory);
        let made = tokio::task::spawn_blocking(move || surveys(&shape, &gathered, period, |_| true)).await;
        let made = made.map_err(|_| Problem::unavailable("the survey could not be made; the log says more"))?;
        let surveys = Arc::new(made);
        *kept = Some(Kept { hour, inventory, surveys: Arc::clone(&surveys) });
        Ok(surveys)
    }
}
