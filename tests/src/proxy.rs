//! A path between two programs that can be made slow, long, deaf or broken while they talk.
//!
//! ```no_run
//! use std::time::Duration;
//! use e2e::{Nginx, Proxy, Tamarack};
//!
//! let nginx = Nginx::start();
//! let path = Proxy::to(nginx.rtmp_port());
//! let mut run = Tamarack::live(&path.url(&nginx.url("s")), "").start();
//! run.wait_for_state(0, "live", Duration::from_secs(20));
//! path.set_rate(Some(1_000_000)); // a token bucket: what does not fit waits, then the sender does
//! path.stall(); // nothing passes either way, and nobody says so
//! path.resume();
//! path.cut(); // every connection is reset
//! ```

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that move at once: small, so that a slow path is slow evenly.
const CHUNK: usize = 1400;
/// What its sockets hold: what it has not taken is not acknowledged.
const BUFFER: libc::c_int = 8 << 10;

/// The path. Dropping it breaks it and every connection over it.
pub struct Proxy {
    address: Ipv4Addr,
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    path: Mutex<Path>,
    changed: Condvar,
}

struct Path {
    /// Bits a second from client to server.
    rate: Option<u64>,
    /// From client to server.
    delay: Duration,
    /// Bytes that wait in it for the rate, at most.
    buffer: usize,
    stalled: bool,
    refusing: bool,
    closed: bool,
    /// Both ends of every connection, the client's first.
    connections: Vec<(TcpStream, TcpStream)>,
}

impl Proxy {
    /// A path to a port of 127.0.0.1, as fast as can be, with a buffer of 16 KiB.
    pub fn to(upstream: u16) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, upstream)
    }

    /// The same from another of this computer's addresses: that of a [`Netns`](crate::Netns).
    pub fn at(address: Ipv4Addr, upstream: u16) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        shrink(&listener);
        listener.set_nonblocking(true).expect("a listener of our own");
        let port = listener.local_addr().expect("it is bound").port();
        let path = Path {
            rate: None,
            delay: Duration::ZERO,
            buffer: 16 << 10,
            stalled: false,
            refusing: false,
            closed: false,
            connections: Vec::new(),
        };
        let shared = Arc::new(Shared {
            upstream: ([127, 0, 0, 1], upstream).into(),
            path: Mutex::new(path),
            changed: Condvar::new(),
        });
        let accepting = shared.clone();
        thread::spawn(move || accepting.accept(&listener));
        Self { address, port, shared }
    }

    /// The port that leads into it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// An address of the upstream server, by way of the path.
    pub fn url(&self, url: &str) -> String {
        let direct = format!(":{}/", self.shared.upstream.port());
        assert!(url.contains(&direct), "{url} is not at port {direct}");
        url.replace(&direct, &format!(":{}/", self.port)).replace("127.0.0.1", &self.address.to_string())
    }

    /// Bits a second that pass from client to server; `None` for no limit.
    pub fn set_rate(&self, rate: Option<u64>) {
        self.change(|path| path.rate = rate);
    }

    /// How long a byte takes from client to server.
    pub fn set_delay(&self, delay: Duration) {
        self.change(|path| path.delay = delay);
    }

    /// How many bytes wait in the path before the sender has to: a deep one is bufferbloat.
    pub fn set_buffer(&self, bytes: usize) {
        self.change(|path| path.buffer = bytes);
    }

    /// Nothing passes either way. Connections stay open, and new ones are accepted by nobody but it.
    pub fn stall(&self) {
        self.change(|path| path.stalled = true);
    }

    /// Everything passes again.
    pub fn resume(&self) {
        self.change(|path| path.stalled = false);
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        self.change(Path::cut);
    }

    /// Breaks every connection, and every new one as soon as it is made, until [`Proxy::admit`].
    pub fn refuse(&self) {
        self.change(|path| {
            path.refusing = true;
            path.cut();
        });
    }

    /// Takes connections again.
    pub fn admit(&self) {
        self.change(|path| path.refusing = false);
    }

    /// Says something to every client in the server's name.
    pub fn inject(&self, bytes: &[u8]) {
        self.change(|path| {
            path.connections.iter_mut().for_each(|(client, _)| _ = client.write_all(bytes));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Path)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|path| {
            path.closed = true;
            path.cut();
        });
    }
}

impl Path {
    fn cut(&mut self) {
        for (client, server) in self.connections.drain(..) {
            // A close with zero linger is a reset.
            reset(&client);
            for socket in [&client, &server] {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}

/// What is on its way to the server.
#[derive(Default)]
struct Pipe {
    waiting: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Path> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while !self.lock().closed {
            match listener.accept() {
                Ok((client, _)) if self.lock().refusing => reset(&client),
                Ok((client, _)) => self.join(client),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Leads a client to the server.
    fn join(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.upstream) else { return reset(&client) };
        set(server.as_raw_fd(), libc::SO_SNDBUF, &BUFFER);
        client.set_nonblocking(false).expect("a socket of our own");
        for socket in [&client, &server] {
            socket.set_nodelay(true).expect("a socket of our own");
        }
        let clone = |socket: &TcpStream| socket.try_clone().expect("a socket of our own");
        self.lock().connections.push((clone(&client), clone(&server)));
        let pipe = Arc::new((Mutex::new(Pipe::default()), Condvar::new()));
        let (path, into, from) = (self.clone(), pipe.clone(), clone(&client));
        thread::spawn(move || path.take_up(from, &into));
        let (path, to) = (self.clone(), clone(&server));
        thread::spawn(move || path.bring_up(&pipe, to));
        let path = self.clone();
        thread::spawn(move || path.bring_down(server, client));
    }

    /// Waits while nothing may pass; whether the path is still there.
    fn may_pass(&self) -> bool {
        let stalled = |path: &mut Path| path.stalled && !path.closed;
        let path = self.changed.wait_while(self.lock(), stalled).unwrap_or_else(PoisonError::into_inner);
        !path.closed
    }

    fn take_up(&self, mut client: TcpStream, (pipe, moved): &(Mutex<Pipe>, Condvar)) {
        let lock = || pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunk = [0; CHUNK];
        while self.may_pass() {
            let Ok(count @ 1..) = client.read(&mut chunk) else { break };
            let buffer = self.lock().buffer;
            let full = |pipe: &mut Pipe| pipe.bytes >= buffer && !pipe.ended;
            let mut pipe = moved.wait_while(lock(), full).unwrap_or_else(PoisonError::into_inner);
            if pipe.ended {
                break;
            }
            pipe.bytes += count;
            pipe.waiting.push_back((Instant::now(), chunk[..count].to_vec()));
            moved.notify_all();
        }
        lock().ended = true;
        moved.notify_all();
    }

    fn bring_up(&self, (pipe, moved): &(Mutex<Pipe>, Condvar), mut server: TcpStream) {
        let lock = || pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = Instant::now();
        loop {
            let empty = |pipe: &mut Pipe| pipe.waiting.is_empty() && !pipe.ended;
            let waiting = moved.wait_while(lock(), empty).unwrap_or_else(PoisonError::into_inner);
            let Some((arrived, chunk)) = waiting.waiting.front().cloned() else { break };
            drop(waiting);
            let (rate, delay) = {
                let path = self.lock();
                (path.rate, path.delay)
            };
            let due = free.max(arrived + delay);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !self.may_pass() || server.write_all(&chunk).is_err() {
                break;
            }
            // What was not used while nothing waited is lost, as on a real link.
            let takes = rate.map_or(0.0, |rate| chunk.len() as f64 * 8.0 / rate.max(1) as f64);
            free = due.max(Instant::now() - Duration::from_millis(5)) + Duration::from_secs_f64(takes);
            let mut pipe = lock();
            pipe.bytes -= chunk.len();
            pipe.waiting.pop_front();
            moved.notify_all();
        }
        lock().ended = true;
        moved.notify_all();
        let _ = server.shutdown(Shutdown::Write);
    }

    fn bring_down(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut chunk = [0; CHUNK];
        while let Ok(count @ 1..) = server.read(&mut chunk) {
            if !self.may_pass() || client.write_all(&chunk[..count]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}

fn shrink(listener: &TcpListener) {
    set(listener.as_raw_fd(), libc::SO_RCVBUF, &BUFFER);
}

fn reset(client: &TcpStream) {
    set(client.as_raw_fd(), libc::SO_LINGER, &libc::linger { l_onoff: 1, l_linger: 0 });
}

fn set<T>(socket: libc::c_int, option: libc::c_int, value: &T) {
    // SAFETY: the socket is open, and the value is as long as is said.
    let result = unsafe {
        libc::setsockopt(
            socket,
            libc::SOL_SOCKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that takes what comes, and the first client over a path to it.
    fn sink() -> (Proxy, TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let path = Proxy::to(listener.local_addr().unwrap().port());
        let client = TcpStream::connect(("127.0.0.1", path.port())).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        (path, client, server)
    }

    #[test]
    fn a_rate_is_kept_over_a_second() {
        let (path, mut client, mut server) = sink();
        path.set_rate(Some(800_000));
        let begun = Instant::now();
        thread::spawn(move || client.write_all(&[7; 150_000]));
        server.read_exact(&mut vec![0; 100_000]).unwrap();
        let rate = 800_000.0 / begun.elapsed().as_secs_f64();
        assert!((0.8..1.05).contains(&(rate / 800_000.0)), "{rate} bit/s");
    }

    #[test]
    fn nothing_passes_while_it_is_stalled_and_nothing_is_lost() {
        let (path, mut client, mut server) = sink();
        path.stall();
        client.write_all(b"hello").unwrap();
        assert!(server.read(&mut [0; 5]).is_err());
        path.resume();
        let mut heard = [0; 5];
        server.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        path.inject(b"garbage");
        let mut said = [0; 7];
        client.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"garbage");
        path.refuse();
        assert!(!matches!(client.read(&mut said), Ok(1..)));
        let mut refused = TcpStream::connect(("127.0.0.1", path.port())).unwrap();
        assert!(!matches!(refused.read(&mut said), Ok(1..)));
    }
}
