//! Constant rate: `rate`.

use super::rule::DecayRule;
use crate::Description;

pub(crate) struct Constant;

impl DecayRule for Constant {
    fn description(&self) -> Description {
        Description::new("constant", "constant", vec![])
    }
}
