//! What is asked for at a time.

/// A stretch of time that is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Its first second, since 1970.
    pub(crate) from: u64,
    /// Its end, which is not in it.
    pub(crate) until: u64,
    /// The width of one point of ours, in seconds.
    pub(crate) grain: u64,
    /// How far apart the points of the box were when it was last asked for what is recent, in
    /// seconds.
    pub(crate) step: u64,
    /// Up to which age more is asked for in the same way, in seconds.
    pub(crate) up_to: u64,
    /// How far apart they were in the answer that made this window wider than its age does; `None`
    /// where it is not wider.
    pub(crate) widened_by: Option<u64>,
}
