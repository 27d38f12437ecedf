//! nginx with its RTMP module, on a free port.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Directory, PATIENCE, Process};

/// An address that nobody listens on, below the range from which the system gives out ports: nobody
/// takes it before nginx does.
fn free_addr() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() * 97 + step) % 20_000;
        let addr = ([127, 0, 0, 1], port as u16).into();
        if TcpListener::bind::<SocketAddr>(addr).is_ok() {
            return addr;
        }
    }
}

pub struct Nginx {
    pub addr: SocketAddr,
    /// Where the same is offered encrypted, if it is.
    pub tls_addr: Option<SocketAddr>,
    directory: Directory,
    process: Process,
}

impl Nginx {
    /// Knows one app, `live`, and records every stream of it.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The same, and also behind TLS with this certificate and key (PEM).
    pub fn start_tls(certificate: &str, key: &str) -> Self {
        Self::start_with(Some((certificate, key)))
    }

    fn start_with(tls: Option<(&str, &str)>) -> Self {
        let directory = Directory::new();
        let addr = free_addr();
        let tls_addr = tls.map(|_| free_addr());
        let here = directory.0.display();
        let (mut module, mut stream) = (String::new(), String::new());
        if let (Some((certificate, key)), Some(tls_addr)) = (tls, tls_addr) {
            std::fs::write(directory.0.join("certificate"), certificate).unwrap();
            std::fs::write(directory.0.join("key"), key).unwrap();
            module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;".to_owned();
            stream = format!(
                "stream {{ server {{ listen {tls_addr} ssl; proxy_pass {addr};
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {here}/certificate; ssl_certificate_key {here}/key; }} }}"
            );
        }
        let conf = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so; {module}
daemon off; master_process off; pid {here}/pid; error_log {here}/error.log info;
events {{ worker_connections 64; }}
{stream}
rtmp {{ access_log {here}/access.log; server {{ listen {addr}; application live {{
  live on; record all; record_path {here}; record_suffix .flv; }} }} }}
"
        );
        std::fs::write(directory.0.join("conf"), conf).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&directory.0).arg("-c").arg(directory.0.join("conf"));
        command.arg("-e").arg(directory.0.join("error.log"));
        let process = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let started = Instant::now();
        while TcpStream::connect(tls_addr.unwrap_or(addr)).is_err() {
            assert!(started.elapsed() < PATIENCE, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { addr, tls_addr, directory, process }
    }

    /// What nginx wrote of `count` sessions that ended, once it has: what they did, app and name.
    pub async fn sessions(&self, count: usize) -> Vec<String> {
        let path = self.directory.0.join("access.log");
        super::soon(async {
            loop {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                // One that only looked whether nginx listens did nothing at all.
                let done = log.lines().filter_map(|line| line.split_once("] ")).map(|(_, done)| done);
                let done: Vec<_> =
                    done.filter(|done| !done.starts_with("NONE \"\"")).map(str::to_owned).collect();
                if done.len() >= count {
                    return done;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// All that nginx wrote about what happened, and the names of its recordings.
    pub fn log_and_recordings(&self) -> (String, Vec<String>) {
        let log = std::fs::read_to_string(self.directory.0.join("error.log")).unwrap();
        let files = std::fs::read_dir(&self.directory.0).unwrap().flatten();
        let names = files.map(|file| file.file_name().into_string().unwrap());
        (log, names.filter(|name| name.ends_with(".flv")).collect())
    }

    /// The recording of `name`, once nginx has closed it.
    pub async fn recording(&self, name: &str) -> PathBuf {
        let path = self.directory.0.join(format!("{name}.flv"));
        let descriptors = format!("/proc/{}/fd", self.process.0.id());
        let is_open = || {
            let mut open = std::fs::read_dir(&descriptors).unwrap().flatten();
            open.any(|descriptor| std::fs::read_link(descriptor.path()).is_ok_and(|file| file == path))
        };
        super::soon(async {
            while !path.exists() || is_open() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        path
    }
}
