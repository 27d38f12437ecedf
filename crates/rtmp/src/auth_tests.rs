use super::*;

/// What Adobe's servers and crtmpserver say to a user without a proof.
const ADOBE: &str = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=salty&challenge=chal&opaque=opq==";
const LIMELIGHT: &str = "[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=me&nonce=theirs";
const NONCE: &str = "01234567";

fn me() -> Credentials {
    Credentials { user: "me".to_owned(), password: Secret::new("p@ss") }
}

fn ask(description: &str) -> Challenge {
    Challenge::find(description).unwrap().unwrap()
}

fn answer(app: &str, description: &str) -> Result<String, Fault> {
    let me = me();
    Dialogue::new(Some(&me), app).answer(&ask(description), NONCE).map(|query| query.expose().to_owned())
}

#[test]
fn answers_are_those_that_openssl_computes() {
    // printf me%s%s salty p@ss | openssl md5 -binary | base64, and so on.
    let adobe = "authmod=adobe&user=me&challenge=01234567&response=KaYh/q+XT72Ka3+CWkI3Jg==&opaque=opq==";
    assert_eq!(answer("live", ADOBE).unwrap(), adobe);
    let without_opaque = "authmod=adobe ?reason=needauth&salt=salty&challenge=chal";
    let adobe = "authmod=adobe&user=me&challenge=01234567&response=N9PQMir4N/JfVBO5EBIQPw==";
    assert_eq!(answer("live", without_opaque).unwrap(), adobe);

    let limelight = "authmod=llnw&user=me&nonce=theirs&cnonce=01234567&nc=00000001&response=";
    for app in ["live", "live?backup=1", "live/_definst_"] {
        let answer = answer(app, LIMELIGHT).unwrap();
        assert_eq!(answer, format!("{limelight}d7787b6a777e29eca933dc38b8264074"), "{app}");
    }
    let answer = answer("live/eu", LIMELIGHT).unwrap();
    assert_eq!(answer, format!("{limelight}95909d9084aaef0d6841bafce0cbfeeb"));
}

#[test]
fn a_dialogue_has_two_answers_and_no_more() {
    let me = me();
    let user = ask("[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ");
    // The kind is known by now.
    let proof = ask("?reason=needauth&salt=s&opaque=o");
    let mut dialogue = Dialogue::new(Some(&me), "live");
    assert_eq!(dialogue.answer(&user, NONCE).unwrap().expose(), "authmod=adobe&user=me");
    assert_eq!(dialogue.answer(&user, NONCE), Err(Fault::Failed));
    assert!(dialogue.answer(&proof, NONCE).is_ok());
    assert_eq!(dialogue.method(), Some(&Method::Adobe));
    assert_eq!(dialogue.answer(&proof, NONCE), Err(Fault::Failed));
    assert_eq!(dialogue.answer(&user, NONCE), Err(Fault::Failed));
}

#[test]
fn every_refusal_has_its_reason() {
    for reason in ["authfailed", "nosuchuser"] {
        let no = format!("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason={reason}&opaque=o");
        assert_eq!(answer("live", &no), Err(Fault::Failed));
    }
    let red5 = Fault::Unsupported(Method::Other("red5".to_owned()));
    let asks_otherwise = "[ AccessManager.Reject ] : [ authmod=red5 ] : ?reason=needauth&challenge=c";
    assert_eq!(answer("live", asks_otherwise), Err(red5));
    assert_eq!(answer("live", "code=403 need auth"), Err(Fault::Unsupported(Method::Other(String::new()))));
    for question in [ADOBE, LIMELIGHT, "code=403 need auth; authmod=adobe", "?reason=authfailed"] {
        let answer = Dialogue::new(None, "live").answer(&ask(question), NONCE);
        assert_eq!(answer, Err(Fault::Needed), "{question}");
    }
}

#[test]
fn other_refusals_are_no_question() {
    for description in ["", "no such app", "authentication failed", "/live?reason=maintenance", "?authmod"] {
        assert_eq!(Challenge::find(description), Ok(None), "{description}");
    }
}

#[test]
fn hostile_questions_are_refused() {
    let huge = "x".repeat(MAX_DESCRIPTION);
    let long = "x".repeat(MAX_VALUE + 1);
    let table = [
        format!("authmod=adobe {huge}"),
        format!("authmod=adobe ?reason=needauth&salt={long}&challenge=c"),
        format!("authmod=llnw ?reason=needauth&nonce={long}"),
        "authmod=adobe ?reason=needauth&salt=a\0b&challenge=c".to_owned(),
        "authmod=adobe ?reason=needauth&salt=a\r\nb&challenge=c".to_owned(),
        "authmod=llnw ?reason=needauth&nonce=\u{202e}".to_owned(),
        "authmod=adobe ?reason=needauth".to_owned(),
        "authmod=adobe ?reason=needauth&salt=&challenge=c".to_owned(),
        "authmod=adobe ?reason=needauth&challenge=c".to_owned(),
        "authmod=adobe ?reason=needauth&salt=s".to_owned(),
        "authmod=llnw ?reason=needauth&salt=s&challenge=c".to_owned(),
    ];
    let me = me();
    for description in &table {
        let result = match Challenge::find(description) {
            Ok(challenge) => Dialogue::new(Some(&me), "live").answer(&challenge.unwrap(), NONCE),
            Err(error) => Err(Fault::Malformed(error)),
        };
        assert!(matches!(result, Err(Fault::Malformed(_))), "{description:?}: {result:?}");
    }
}

#[test]
fn a_name_of_a_kind_is_cut_short() {
    let Method::Other(name) = ask(&format!("authmod={}\u{7} ", "x".repeat(2000))).method.unwrap() else {
        panic!("known?")
    };
    assert_eq!(name, "x".repeat(MAX_METHOD));
}

#[test]
fn letters_that_would_end_a_name_are_encoded_and_the_others_are_not() {
    let them = Credentials { user: "a&b=c@d.e/f?+% g#ö".to_owned(), password: Secret::new("p") };
    let query = Dialogue::new(Some(&them), "live").answer(&ask("need auth; authmod=adobe"), NONCE).unwrap();
    assert_eq!(query.expose(), "authmod=adobe&user=a%26b=c@d.e/f%3F%2B%25%20g%23%C3%B6");
    assert_eq!(extend("live", &Secret::new("q=1")), "live?q=1");
    assert_eq!(extend("live2?backup=1", &Secret::new("q=1")), "live2?backup=1&q=1");
}

#[test]
fn nothing_of_it_is_printed() {
    let me = me();
    let (challenge, mut dialogue) = (ask(ADOBE), Dialogue::new(Some(&me), "live"));
    let answer = dialogue.answer(&challenge, NONCE).unwrap();
    let printed = format!("{challenge:?} {dialogue:?} {answer:?}");
    for secret in ["p@ss", "salty", "chal\"", "opq", "KaYh", NONCE] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
