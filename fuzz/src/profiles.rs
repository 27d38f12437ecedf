//! What must hold for anything that is pasted, opened or scanned: run by the fuzzer, and by
//! `crates/profiles/tests/corpus.rs` on the corpus.

use media::Secret;
use profiles::{Book, Draft, import, qr};

/// Stands for a stream key. No form has it by itself, and no name of a field that is shown may hold a `~`.
const MARK: &str = "hu~sh~9f";

/// Whatever the text, it is taken apart or refused within the limits, and a key in it is never shown.
pub fn import(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut found = match import::understand(text, None) {
        Ok(found) => found,
        Err(error) => {
            return assert!(!format!("{error} {error:?} {}", error.code()).contains(MARK), "the error tells");
        }
    };
    assert!(found.drafts.len() + found.skipped.len() <= import::MOST, "too many connections");
    assert!(found.ignored.len() <= 100 && found.offers.len() <= 100, "too long a list");
    let names = found.ignored.iter().chain(found.offers.iter().map(|offer| &offer.name));
    for name in names {
        assert!(name.chars().count() <= 60 && !name.chars().any(char::is_control), "an unseemly name");
        assert!(!name.contains(MARK), "a field's name tells");
    }
    let plan = import::plan(&found, &Book::default());
    for (draft, change) in found.drafts.iter().zip(plan.changes()) {
        assert!(draft.name.chars().count() <= 100, "too long a name");
        assert!(!draft.name.chars().any(char::is_control), "an unseemly name");
        hidden(draft, change);
    }
    assert_eq!(plan.changes().len(), found.drafts.len());
    while !found.offers.is_empty() {
        found.accept(0).expect("an offer can be accepted");
    }
    while !found.needs.is_empty() && found.answer(0, &Secret::new("x")).is_ok() {}
    let _ = import::plan(&found, &Book::default());
}

/// Where the mark is a key, no text shows it, but for one that everybody may see: a server, a user's name.
fn hidden(draft: &Draft, change: &import::Change) {
    let Ok(read) = draft.read(None) else { return };
    if !read.secrets.texts().iter().any(|secret| secret.expose() == MARK) {
        return;
    }
    let user =
        |ingest: &profiles::profile::Ingest| ingest.user.as_ref().is_some_and(|user| user.contains(MARK));
    let public = |text: &str| text.contains(MARK);
    let playback = read.profile.playback.as_ref().map(|playback| playback.url.as_str());
    if read.profile.ingests.iter().any(|ingest| public(&ingest.server) || user(ingest))
        || playback.is_some_and(public)
    {
        return;
    }
    assert!(!format!("{draft:?}").contains(MARK), "a draft tells");
    assert!(!format!("{change:?}").contains(MARK), "a change tells");
}

/// Any picture of a camera is searched. The first two bytes are its width.
pub fn qr(bytes: &[u8]) {
    let [high, low, luma @ ..] = bytes else { return };
    let width = u32::from(u16::from_be_bytes([*high, *low])).clamp(1, 512);
    let height = luma.len() as u32 / width;
    let luma = &luma[..(width * height) as usize];
    if let Ok(Some(text)) = qr::read_luma(width, height, luma) {
        import(text.expose().as_bytes());
    }
}
