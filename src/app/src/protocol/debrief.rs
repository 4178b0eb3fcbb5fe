//! What came of the learner's own last run, as it crosses to the page.

use scale_sim::Figures;
use serde::{Deserialize, Serialize};

use super::scene::Scene;
use super::story::StoryView;

/// A run from start to end, looked back at.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Debriefed {
    /// What ran.
    pub scene: Scene,
    /// The figures after the warm-up.
    pub figures: Figures,
    /// Whether each line's conditions hold, in the order asked.
    pub said: Vec<bool>,
    /// The number of the component that was busiest, and its utilisation.
    pub busiest: Option<(u16, f64)>,
    /// The story of the slowest request that was answered.
    pub slowest: Option<Box<StoryView>>,
}
