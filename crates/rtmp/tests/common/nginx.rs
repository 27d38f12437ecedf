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
    directory: Directory,
    process: Process,
}

impl Nginx {
    /// Knows one app, `live`, and records every stream of it.
    pub fn start() -> Self {
        let directory = Directory::new();
        let addr = free_addr();
        let here = directory.0.display();
        let conf = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off; master_process off; pid {here}/pid; error_log {here}/error.log notice;
events {{ worker_connections 64; }}
rtmp {{ server {{ listen {addr}; application live {{
  live on; record all; record_path {here}; record_suffix .flv; }} }} }}
"
        );
        std::fs::write(directory.0.join("conf"), conf).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&directory.0).arg("-c").arg(directory.0.join("conf"));
        command.arg("-e").arg(directory.0.join("error.log"));
        let process = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let started = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(started.elapsed() < PATIENCE, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { addr, directory, process }
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
