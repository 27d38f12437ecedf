//! A server that lets one user publish to one app, and asks for a proof as Adobe's or Limelight's do.
//! Computes with the user's name and password alone what the proof must be; shown to be right by ffmpeg.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use md5::Digest;
use rtmp::amf0::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::by_hand::{Client, status};

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Adobe,
    /// Sends a challenge and nothing opaque.
    AdobeChallengeOnly,
    Limelight,
    /// Red5's, which we do not know.
    Red5,
}

/// Who may do what.
#[derive(Clone)]
pub struct Rule {
    pub kind: Kind,
    pub app: &'static str,
    pub user: &'static str,
    pub password: &'static str,
}

const SALT: &str = "5a17";
const REJECT: &str = "[ AccessManager.Reject ] : ";

pub struct Guarded {
    pub addr: SocketAddr,
    /// What every connection named as its app.
    pub apps: Arc<Mutex<Vec<String>>>,
    /// Key and count of media messages of every publication that ended.
    pub publications: mpsc::UnboundedReceiver<(String, usize)>,
}

impl Guarded {
    pub async fn start(rule: Rule) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let (apps, (sender, publications)) = (Arc::default(), mpsc::unbounded_channel());
        let heard = Arc::clone(&apps);
        tokio::spawn(async move {
            let mut issued = 0;
            while let Ok((stream, _)) = socket.accept().await {
                // One after the other: what was issued last is what the next one must answer.
                if let Some(published) = serve(stream, &rule, &heard, &mut issued).await {
                    let _ = sender.send(published);
                }
            }
        });
        Self { addr, apps, publications }
    }
}

async fn serve(
    stream: TcpStream,
    rule: &Rule,
    heard: &Mutex<Vec<String>>,
    issued: &mut u32,
) -> Option<(String, usize)> {
    let mut client = Client::new(stream).await.ok()?;
    let (name, number, arguments) = client.command().await?;
    let field = |key| arguments[0].get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (app, address) = (field("app"), field("tcUrl"));
    assert_eq!(name, "connect");
    assert!(address.ends_with(&app), "{address} is not of {app}");
    heard.lock().unwrap().push(app.clone());
    if let Err(description) = rule.judge(&app, issued) {
        client
            .say(0, &status("_error", number, "error", "NetConnection.Connect.Rejected", &description))
            .await;
        client.say(0, &[Value::string("close"), Value::Number(0.0), Value::Null]).await;
        return None;
    }
    let key = client.until_published(number).await?;
    let mut media = 0;
    while let Some(message) = client.message().await {
        media += usize::from([8, 9].contains(&message.kind));
    }
    Some((key, media))
}

impl Rule {
    /// Lets pass, or says what it wants.
    fn judge(&self, app: &str, issued: &mut u32) -> Result<(), String> {
        let (name, query) = app.split_once('?').unwrap_or((app, ""));
        let pairs: HashMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let (expected, fixed) = self.app.split_once('?').unwrap_or((self.app, ""));
        assert!(name == expected && query.starts_with(fixed), "{app} is not {}", self.app);
        let method = match self.kind {
            Kind::Adobe | Kind::AdobeChallengeOnly => "adobe",
            Kind::Limelight => "llnw",
            Kind::Red5 => "red5",
        };
        let Some(user) = pairs.get("user").filter(|_| pairs.get("authmod") == Some(&method)) else {
            return Err(format!("{REJECT}[ code=403 need auth; authmod={method} ] : "));
        };
        let plain = percent_encoding::percent_decode_str(user).decode_utf8().unwrap();
        let why = |reason: &str| format!("{REJECT}[ authmod={method} ] : ?reason={reason}");
        if plain != self.user {
            return Err(why("nosuchuser"));
        }
        let Some(response) = pairs.get("response") else {
            *issued += 1;
            let token = token(*issued);
            let question = match self.kind {
                Kind::Adobe => format!("&salt={SALT}&challenge=c{token}&opaque={token}"),
                Kind::AdobeChallengeOnly => format!("&salt={SALT}&challenge={token}"),
                Kind::Limelight => format!("&nonce={token}"),
                Kind::Red5 => "&sessionid=x&challenge=y".to_owned(),
            };
            return Err(format!("{}&user={user}{question}", why("needauth")));
        };
        if *response == self.proof(&token(*issued), &pairs) { Ok(()) } else { Err(why("authfailed")) }
    }

    /// What only who knows the password can say to this token.
    fn proof(&self, token: &str, pairs: &HashMap<&str, &str>) -> String {
        let Self { user, password, .. } = self;
        if self.kind == Kind::Limelight {
            let hex = |text: String| format!("{:x}", Hex(md5::Md5::digest(text).to_vec()));
            assert_eq!((pairs["nonce"], pairs["nc"]), (token, "00000001"));
            let app = self.app.split('?').next().unwrap();
            let (who, what) =
                (hex(format!("{user}:live:{password}")), hex(format!("publish:/{app}/_definst_")));
            return hex(format!("{who}:{token}:00000001:{}:auth:{what}", pairs["cnonce"]));
        }
        let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(text));
        assert_eq!(pairs.get("opaque").copied(), (self.kind == Kind::Adobe).then_some(token));
        let salted = base64(format!("{user}{SALT}{password}"));
        base64(format!("{salted}{token}{}", pairs["challenge"]))
    }
}

fn token(issued: u32) -> String {
    format!("t0k3n{issued}==")
}

struct Hex(Vec<u8>);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
