//! One file for each target. `check` takes any bytes and panics where something does not hold.

pub mod api_version;
pub mod credentials;
pub mod envelope;
pub mod history;
pub mod recording;
pub mod sections;
pub mod spool;
pub mod template;
