//! What stdout is: a terminal and how wide, or nothing at all.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::fcntl_getfd;
use rustix::stdio;
use rustix::termios::tcgetwinsize;

/// Whether stdout was closed when the program was started.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Rust opens `/dev/null` in the place of a closed stdout before `main` begins, so that lines would
/// vanish there and nobody would know. The system's loader calls this before that; it only asks
/// the kernel a question and stores the answer, which is safe at so early a moment.
#[cfg(target_os = "linux")]
#[used]
#[allow(unsafe_code)]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

#[cfg(target_os = "linux")]
extern "C" fn look() {
    let is_closed = fcntl_getfd(stdio::stdout()).is_err();
    WAS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Whether there is no stdout: whoever started the program has closed it (`>&-`).
pub(crate) fn was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

/// How many columns there are where stdout is a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    let size = || tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    stdout.is_terminal().then(size)
}
