use super::*;

fn server() -> String {
    "h:1935".to_owned()
}

fn every_error() -> Vec<Error> {
    use Phase::*;
    let addr = ([127, 0, 0, 1], 1935).into();
    let io = |kind: io::ErrorKind| io::Error::from(kind);
    let kinds = [io::ErrorKind::ConnectionRefused, io::ErrorKind::HostUnreachable, io::ErrorKind::TimedOut];
    let phases = [Resolve, Tcp, Tls, Handshake, Connect, CreateStream, Publish, Live];
    let faults = [
        tls::Fault::Expired,
        tls::Fault::NotYetValid,
        tls::Fault::SelfSigned,
        tls::Fault::UnknownIssuer,
        tls::Fault::WrongHost,
        tls::Fault::Other,
    ];
    let challenge = message::Error::Challenge { what: "has no salt" };
    let sign_in = [
        auth::Fault::Needed,
        auth::Fault::Failed,
        auth::Fault::Unsupported(auth::Method::Other("red5".to_owned())),
        auth::Fault::Malformed(challenge),
    ];
    use tls::AuthorityFault::*;
    let mut all = vec![
        Error::Url(ingest::Error::NoKey),
        Error::Resolve { server: server(), source: io(io::ErrorKind::NotFound) },
        Error::Tcp { addr, source: io(io::ErrorKind::Other) },
        Error::Handshake { server: server(), source: rml_rtmp::handshake::HandshakeError::BadVersionId },
        Error::Protocol { phase: Live, server: server(), source: message::Error::Truncated { kind: 3 } },
        Error::Listen { addr, source: io(io::ErrorKind::AddrInUse) },
        Error::Stopped,
    ];
    all.extend(kinds.map(|kind| Error::Tcp { addr, source: io(kind) }));
    all.extend(phases.map(|phase| Error::Timeout { phase, server: server() }));
    all.extend(phases.map(|phase| Error::HungUp { phase, server: server(), cause: None }));
    all.extend(faults.map(|fault| Error::Tls {
        server: server(),
        fault,
        source: io(io::ErrorKind::InvalidData),
    }));
    all.extend(sign_in.map(|fault| Error::Auth { server: server(), fault }));
    all.extend([NotPem, NoCertificate, Malformed, TooLarge].map(|fault| Error::Authority { fault }));
    for (phase, code) in [(Publish, "NetStream.Publish.BadName"), (Connect, ""), (Live, "x")] {
        let (code, description) = (code.to_owned(), "No.".to_owned());
        all.push(Error::Refused { phase, server: server(), code, description });
    }
    all.push(Error::Held { server: server(), description: "No.".to_owned() });
    all
}

#[test]
fn the_list_of_codes_is_the_list_of_codes() {
    let mut used: Vec<_> = every_error().iter().map(Error::code).collect();
    used.extend(ingest::Error::CODES);
    used.sort_unstable();
    used.dedup();
    let mut listed = codes().to_vec();
    listed.sort_unstable();
    assert_eq!(used, listed);
}

#[test]
fn messages_are_sentences_that_name_the_server() {
    for error in every_error() {
        let text = error.to_string();
        assert!(text.ends_with('.') || text.ends_with(')'), "{text}");
        let nameless = matches!(error, Error::Url(_) | Error::Authority { .. } | Error::Stopped);
        assert!(nameless || text.contains("h:1935") || text.contains("127.0.0.1:1935"), "{text}");
    }
}

#[test]
fn silence_before_live_is_a_refusal_and_later_is_not() {
    let refusals = every_error().into_iter().filter(Error::is_refusal);
    let codes: Vec<_> = refusals.map(|error| error.code()).collect();
    let certificates = codes.iter().copied().filter(|code| code.starts_with("tls-"));
    assert_eq!(certificates.filter(|code| *code != "tls-failed").count(), 5);
    let codes: Vec<_> = codes.into_iter().filter(|code| !code.starts_with("tls-")).collect();
    let silent = ["hung-up-connect", "hung-up-create", "hung-up-publish"];
    let auth = ["auth-needed", "auth-failed", "auth-unsupported"];
    let files = ["ca-not-pem", "ca-no-certificate", "ca-malformed", "ca-too-large"];
    let expected = [&["url-no-key"][..], &silent, &auth, &files, &["rtmp-bad-name", "rtmp-refused"]];
    assert_eq!(codes, expected.concat());
}

#[test]
fn a_stream_that_was_taken_before_is_only_refused_in_words() {
    let errors = every_error().into_iter().map(Error::while_returning);
    assert_eq!(errors.filter(|error| error.code() == "rtmp-name-held").count(), 2);
    let refusals = every_error().into_iter().map(Error::while_returning);
    let refusals = refusals.filter(Error::is_refusal_of_a_known_stream);
    let codes: Vec<_> = refusals.map(|error| error.code()).collect();
    assert!(!codes.iter().any(|code| code.starts_with("hung-up") || *code == "rtmp-bad-name"), "{codes:?}");
    assert!(!codes.iter().any(|code| code.starts_with("tls-")), "a network's own page: {codes:?}");
    assert!(codes.contains(&"rtmp-refused") && codes.contains(&"auth-failed"), "{codes:?}");
}

#[test]
fn a_network_that_fails_while_publishing_is_no_refusal() {
    let hung_up = |kind: io::ErrorKind| Error::hung_up(Phase::Publish, "h:1935", kind.into());
    assert!(hung_up(io::ErrorKind::UnexpectedEof).is_refusal());
    assert!(hung_up(io::ErrorKind::ConnectionReset).is_refusal());
    assert!(!hung_up(io::ErrorKind::TimedOut).is_refusal());
    assert!(!hung_up(io::ErrorKind::NetworkUnreachable).is_refusal());
}
