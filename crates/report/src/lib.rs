// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reports about a map: the proposals for it and the paths that they would newly allow, its review, and the estimate of its
//! learning runs. Each has a view, which serialises as the JSON output, and a method that returns the text output.
//!
//! Nothing here prints or chooses an exit code. Every text that a workload can choose is escaped.

mod estimate;
mod proposals;
mod review;
mod search;
mod style;

pub use estimate::EstimateView;
pub use proposals::ProposalsView;
pub use review::{ReviewView, worst};
pub use search::{Search, SearchError};
pub use style::{Style, count, kept, shown};
