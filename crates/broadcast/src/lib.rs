//! One run, from Go live to Stop.
//!
//! ```text
//! stage feeds -> encode-video, encode-audio (threads) -> interleave (by DTS) -+-> queue -> output task -> ingest 0
//!                                                                             +-> queue -> output task -> ingest 1
//!                                                                             +-> queue -> recording (thread) -> file
//! ```
//!
//! Targets come and go while it is on: [`Run::add_target`], [`Run::stop_target`]. A further one costs a
//! socket: packets are shared, encoders are not asked for more than a keyframe. A recording, too, comes and goes
//! ([`Run::record`], [`Run::stop_recording`]), shares the packets or has an encoding of its own, and may be all
//! that there is. The run ends by itself when the last target is over and no recording keeps it on.
//!
//! Promises: one target's trouble never disturbs another or the encoders; every queue is bounded and
//! every loss counted; a target's state has one writer; a stop is bounded by [`FLUSH_LIMIT`], a
//! second one is immediate. Nothing here knows whether a window or a command line is watching.

mod backoff;
mod encode;
mod encoders;
mod error;
mod fanout;
mod interleave;
mod ledger;
mod network;
mod output;
mod queue;
pub mod recording;
mod route;
mod run;
mod session;
mod state;
mod statistics;
mod stops;
mod targets;
mod watchdog;

pub use error::Error;
pub use route::Failover;
pub use run::{Event, Listener, Run, Settings, Started, Video};
pub use state::{State, Trouble};
pub use statistics::{Gap, Statistics, Summary, TargetStatistics, TargetSummary};
pub use stops::FLUSH_LIMIT;
pub use targets::Target;
