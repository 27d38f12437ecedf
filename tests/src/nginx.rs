//! An nginx-rtmp server: the ingest most people run themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::system::{TempDir, free_port, wait_for};

const LIMIT: Duration = Duration::from_secs(20);

/// nginx with its RTMP module on ports of its own.
///
/// Application `live` records all and makes HLS; `denied` refuses publishers; no other exists, and
/// nginx closes on those without a word.
pub struct Nginx {
    rtmp_port: u16,
    http_port: u16,
    /// Where the same is offered encrypted, with a certificate of an authority that nobody knows.
    rtmps_port: Option<u16>,
    /// Whether it drops a publisher of which it hears nothing.
    drops_idle: bool,
    process: Option<Process>,
    dir: TempDir,
}

impl Nginx {
    /// Starts it and waits until it accepts connections.
    pub fn start() -> Self {
        let dir = TempDir::new("nginx");
        for name in ["flv", "hls", "tmp"] {
            fs::create_dir(dir.join(name)).expect("a folder of our own");
        }
        let (rtmp_port, http_port) = (free_port(), free_port());
        let mut nginx =
            Self { rtmp_port, http_port, rtmps_port: None, drops_idle: false, process: None, dir };
        nginx.restart();
        nginx
    }

    /// The same, and also behind TLS for `localhost`.
    pub fn start_tls() -> Self {
        let mut nginx = Self::start();
        nginx.certify();
        nginx.rtmps_port = Some(free_port());
        nginx.restart();
        nginx
    }

    /// From now on it drops a publisher of which it has heard nothing for 10 s; publishers so far are lost.
    pub fn drop_idle_publishers(&mut self) {
        self.drops_idle = true;
        self.restart();
    }

    /// The port for RTMPS.
    pub fn rtmps_port(&self) -> u16 {
        self.rtmps_port.expect("started behind TLS")
    }

    /// The authority that signed its certificate, as PEM.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    /// Makes an authority, and a certificate for `localhost` that it signs.
    fn certify(&self) {
        let openssl = |line: &str| {
            let mut command = Command::new("openssl");
            Process::run("openssl", LIMIT, command.args(line.split(' ')).current_dir(self.dir.path()));
        };
        openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Studio -keyout ca.key -out authority.pem",
        );
        openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
        fs::write(self.dir.join("names"), "subjectAltName=DNS:localhost").expect("a folder of our own");
        openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
        );
    }

    /// Where to publish `stream`.
    pub fn url(&self, stream: &str) -> String {
        format!("{}/{stream}", self.app_url("live"))
    }

    /// The URL of an application: `live`, `denied`, or one that does not exist.
    pub fn app_url(&self, app: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{app}", self.rtmp_port)
    }

    /// The port for RTMP.
    pub fn rtmp_port(&self) -> u16 {
        self.rtmp_port
    }

    /// The same from a server that says nothing about CORS, as many do: no page of another origin may read it.
    pub fn bare_playlist_url(&self, stream: &str) -> String {
        format!("http://127.0.0.1:{}/bare/{stream}.m3u8", self.http_port)
    }

    /// The playlist of `stream`, readable by every page.
    pub fn playlist_url(&self, stream: &str) -> String {
        format!("http://127.0.0.1:{}/hls/{stream}.m3u8", self.http_port)
    }

    /// What `stream` published, oldest first: one FLV for each time that it came.
    ///
    /// nginx names them by the second: a publisher that comes again within one is appended.
    pub fn recordings(&self, stream: &str) -> Vec<PathBuf> {
        let name =
            |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let mut files: Vec<_> = fs::read_dir(self.dir.join("flv"))
            .expect("a folder of our own")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| name(path).strip_prefix(stream).is_some_and(|rest| rest.starts_with('-')))
            .collect();
        // Their names end in the second, which has as many digits in all of them.
        files.sort();
        files
    }

    /// The only recording of `stream`, closed: the publisher has left.
    pub fn recording(&self, stream: &str) -> PathBuf {
        self.wait_until_gone(stream);
        let mut files = self.recordings(stream);
        assert!(files.len() == 1, "one recording of {stream} expected: {files:?}\n{}", self.output());
        files.remove(0)
    }

    /// Whether `stream` is being published.
    pub fn is_publishing(&self, stream: &str) -> bool {
        let page = self.get("/stat").unwrap_or_default();
        let name = format!("<name>{stream}</name>");
        page.split("<stream>").any(|part| part.contains(&name) && part.contains("<publishing/>"))
    }

    /// Waits until `stream` is being published.
    pub fn wait_until_publishing(&self, stream: &str) {
        wait_for(
            &format!("{stream} at nginx"),
            LIMIT,
            || self.is_publishing(stream).then_some(()),
            || self.output(),
        );
    }

    /// Waits until `stream` is not being published.
    pub fn wait_until_gone(&self, stream: &str) {
        let gone = || (!self.is_publishing(stream)).then_some(());
        wait_for(&format!("the end of {stream} at nginx"), LIMIT, gone, || self.output());
    }

    /// Hangs up on the publisher of `stream`, as an operator can.
    pub fn drop_publisher(&self, stream: &str) {
        let dropped = self.get(&format!("/control/drop/publisher?app=live&name={stream}"));
        assert_eq!(dropped.as_deref().map(str::trim), Some("1"), "no publisher {stream}\n{}", self.output());
    }

    /// Kills it where it stands; connections break.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it where it stands; connections stay open and nobody reads them.
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.signal(libc::SIGSTOP);
        }
    }

    /// Lets it go on after [`Nginx::freeze`].
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.signal(libc::SIGCONT);
        }
    }

    /// Starts it again, but application `live` has another name: who comes back is hung up on.
    pub fn restart_without_live(&mut self) {
        let configuration = self.configuration().replace("application live ", "application other ");
        fs::write(self.dir.join("nginx.conf"), configuration).expect("a folder of our own");
        self.run();
    }

    /// Starts it again on the same ports, with its recordings kept.
    pub fn restart(&mut self) {
        fs::write(self.dir.join("nginx.conf"), self.configuration()).expect("a folder of our own");
        self.run();
    }

    fn run(&mut self) {
        self.kill();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(self.dir.path()).arg("-c").arg(self.dir.join("nginx.conf"));
        let mut process = Process::spawn("nginx", command.args(["-e", "stderr"]));
        let accepts = || self.get("/stat").map(|_| ());
        process.wait_for("an answer to /stat", LIMIT, accepts);
        self.process = Some(process);
    }

    /// What it wrote, for messages.
    pub fn output(&self) -> String {
        self.process.as_ref().map_or_else(|| "nginx is down".to_owned(), Process::output)
    }

    fn get(&self, path: &str) -> Option<String> {
        let url = format!("http://127.0.0.1:{}{path}", self.http_port);
        ureq::get(&url).call().ok()?.body_mut().read_to_string().ok()
    }

    fn configuration(&self) -> String {
        let Self { rtmp_port, http_port, .. } = self;
        let dir = self.dir.path().display();
        let idle = if self.drops_idle { "drop_idle_publisher 10s;" } else { "" };
        let (module, stream) = match self.rtmps_port {
            Some(port) => (
                "load_module /usr/lib/nginx/modules/ngx_stream_module.so;",
                format!(
                    "stream {{ server {{ listen 127.0.0.1:{port} ssl; proxy_pass 127.0.0.1:{rtmp_port};
  ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key; }} }}"
                ),
            ),
            None => ("", String::new()),
        };
        // One process: with a master, killing it would leave the worker alive.
        format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so; {module}
daemon off; master_process off; user root; pid {dir}/pid; error_log stderr notice;
events {{ worker_connections 512; }}
{stream}
rtmp {{ server {{ listen 127.0.0.1:{rtmp_port}; chunk_size 4096;
  application live {{
    live on; {idle} record all; record_path {dir}/flv; record_unique on; record_append on;
    hls on; hls_path {dir}/hls; hls_fragment 2s; hls_playlist_length 20s;
  }}
  application denied {{ live on; deny publish all; }}
}} }}
http {{
  access_log off; client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
  uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
  server {{ listen 127.0.0.1:{http_port};
    location /stat {{ rtmp_stat all; }}
    location /control {{ rtmp_control all; }}
    location /hls {{
      root {dir}; add_header Access-Control-Allow-Origin *; add_header Cache-Control no-cache;
      types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
    }}
    location /bare {{ alias {dir}/hls; types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }} }}
  }}
}}
"
        )
    }
}
