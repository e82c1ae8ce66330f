//! Stands in for a carbon, a good one or one that misbehaves.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver as Channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What to do with a connection.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Read to the end, then close, as carbon does.
    Good,
    /// Close at once.
    CloseAtOnce,
    /// Read this many bytes, then close.
    CloseAfter(usize),
    /// Read to the end and never close.
    NeverClose,
    /// Read nothing and keep the connection.
    NeverRead,
    /// Say something first, as an SSH or HTTP server does.
    Speak,
    /// Read to the end, then answer something and close.
    AnswerAtTheEnd,
    /// Close the sending half at once and go on reading.
    HalfCloseAtOnce,
    /// Take a few bytes now and then.
    ReadSlowly,
}

/// Stands in for a carbon that goes on and on: every connection is read to its end and closed.
pub(crate) struct Sink {
    address: SocketAddr,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// Starts to listen.
    pub(crate) fn start() -> Self {
        Sink::at("127.0.0.1:0")
    }

    /// Starts to listen at an address.
    pub(crate) fn at(address: &str) -> Self {
        Sink::with_pause(address, Duration::ZERO)
    }

    /// One that takes its time before it closes a connection.
    pub(crate) fn slow(pause: Duration) -> Self {
        Sink::with_pause("127.0.0.1:0", pause)
    }

    fn with_pause(address: &str, pause: Duration) -> Self {
        // Whoever listened there may be about to go.
        let until = Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(address) {
                Err(_) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                bound => break bound.expect("a port"),
            }
        };
        let address = listener.local_addr().expect("an address");
        let texts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&texts);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut text = String::new();
                // Whoever is killed in the middle leaves a half line, as with carbon.
                let _ = stream.read_to_string(&mut text);
                seen.lock().expect("the texts").push(text);
                thread::sleep(pause);
            }
        });
        Sink { address, texts }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What came over each connection since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.texts.lock().expect("the texts"))
    }
}

/// A listener on a port of its own, for one connection.
pub(crate) struct Receiver {
    address: SocketAddr,
    received: Channel<Vec<u8>>,
}

impl Receiver {
    /// Starts to listen.
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, received) = mpsc::channel();
        thread::spawn(move || {
            if let Ok((stream, _)) = listener.accept() {
                let _ = tell.send(serve(stream, manner));
            }
        });
        Receiver { address, received }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What came over the connection.
    pub(crate) fn received(&self) -> String {
        let bytes = self
            .received
            .recv_timeout(Duration::from_secs(10))
            .expect("a connection");
        String::from_utf8(bytes).expect("UTF-8")
    }
}

fn serve(mut stream: TcpStream, manner: Manner) -> Vec<u8> {
    let mut got = Vec::new();
    match manner {
        Manner::Good => {
            let _ = stream.read_to_end(&mut got);
        }
        Manner::CloseAtOnce => {}
        Manner::CloseAfter(bytes) => {
            let _ = Read::take(&mut stream, bytes as u64).read_to_end(&mut got);
        }
        Manner::NeverClose => {
            let _ = stream.read_to_end(&mut got);
            hold(stream);
        }
        Manner::NeverRead => hold(stream),
        Manner::Speak => {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            let _ = stream.read_to_end(&mut got);
        }
        Manner::AnswerAtTheEnd => {
            let _ = stream.read_to_end(&mut got);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
        Manner::HalfCloseAtOnce => {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut got);
        }
        Manner::ReadSlowly => {
            let mut few = [0; 16];
            while stream.read(&mut few).is_ok_and(|read| read > 0) {
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    got
}

/// Keeps the connection open until the test process ends.
fn hold(stream: TcpStream) {
    std::mem::forget(stream);
}

/// An address at which nothing listens.
pub(crate) fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// An address at which connections are neither accepted nor refused: the queue of a listener that
/// never accepts is full.
pub(crate) struct FullQueue {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullQueue {
    /// Fills the queue.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        rustix::net::listen(&listener, 0).expect("a short queue");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(stream);
        }
        FullQueue {
            listener,
            _waiting: waiting,
        }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().expect("an address").to_string()
    }
}
