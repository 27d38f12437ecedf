//! nginx with its RTMP module, on a free port.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Directory, PATIENCE, Process};

pub struct Nginx {
    pub addr: SocketAddr,
    directory: Directory,
    process: Process,
}

impl Nginx {
    /// Knows one app, `live`, and records every stream of it.
    pub fn start() -> Self {
        let directory = Directory::new();
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
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
            std::thread::yield_now();
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
                tokio::task::yield_now().await;
            }
        })
        .await;
        path
    }
}
