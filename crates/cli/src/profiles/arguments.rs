//! `tamarack profiles` as clap reads it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Profiles {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List saved connections, those last used first.
    List {
        /// Only those that hold all of these words.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one connection. Its keys read `***`.
    Show {
        /// Its name, or a part that no other has.
        #[arg(id = "connection", value_name = "NAME")]
        name: String,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Save a new connection.
    Add {
        #[command(flatten)]
        entry: Entry,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Change a connection; what is not given stays as it is.
    Edit {
        /// Its name, or a part that no other has.
        #[arg(id = "connection", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        entry: Entry,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Remove a connection and its keys.
    Remove {
        /// Its name, or a part that no other has.
        #[arg(id = "connection", value_name = "NAME")]
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take connections in: a Larix Grove, Moblin or Tamarack link, an OBS profile folder, JSON of Terraform, CDK,
    /// CloudFormation, Mux or IVS, an ffmpeg command line, a bundle, a picture of a QR code.
    Import {
        /// The link, a file or folder, or `-` for standard input.
        what: String,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
        /// Store without asking.
        #[arg(long)]
        yes: bool,
        /// What is done with a connection that clashes with a saved one.
        #[arg(long, value_name = "ACTION", value_parser = ["replace", "keep-both", "skip"])]
        on_clash: Option<String>,
        /// Give the connections the encoder settings that the link brings.
        #[arg(long)]
        with_encoding: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Print a connection for others, without its keys unless asked for.
    Export {
        /// Its name, or a part that no other has.
        #[arg(id = "connection", value_name = "NAME")]
        name: String,
        /// A bundle, a link for Larix, or a link as a QR code.
        #[arg(long, default_value = "tamarack", value_parser = ["tamarack", "grove", "qr"])]
        format: String,
        /// Seal the keys inside under a passphrase that is printed once; never in a Grove link.
        #[arg(long)]
        with_key: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Check a connection step by step. Nothing is published unless asked for.
    Test {
        /// Its name, or a part that no other has.
        #[arg(id = "connection", value_name = "NAME")]
        name: String,
        /// Publish for a few seconds and measure the link: it may go on air.
        #[arg(long)]
        publish: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Put the last good copy in the place of a file of connections that cannot be read.
    Recover {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// What a connection shall be.
#[derive(Debug, Args)]
pub(crate) struct Entry {
    /// Its name.
    #[arg(long, required = false)]
    pub(crate) name: Option<String>,
    /// Ingest address; a key at its end is moved to the key store.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Backup ingest, pushed to at the same time.
    #[arg(long, value_name = "URL")]
    pub(crate) backup: Option<String>,
    /// A further ingest that gets the same; may be given several times.
    #[arg(long, value_name = "URL")]
    pub(crate) also: Vec<String>,
    /// Where it can be watched.
    #[arg(long, value_name = "URL")]
    pub(crate) playback: Option<String>,
    /// Header that the playback server wants, as 'Name: value'; may be given several times.
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Provider: medialive, ivs, mux, cloudflare, nginx-rtmp, mediamtx, youtube, twitch, agora, facebook or custom.
    #[arg(long)]
    pub(crate) provider: Option<String>,
    /// The provider's kind of channel, such as standard or basic.
    #[arg(long)]
    pub(crate) variant: Option<String>,
    /// Read the stream key from standard input.
    #[arg(long)]
    pub(crate) key_stdin: bool,
    /// User name, for servers that ask.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Read the user's password from standard input, after the key.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Authority to trust for RTMPS besides the system's, as a PEM file.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Heights of the renditions that viewers should get, such as 1080,720,480.
    #[arg(long, value_delimiter = ',', value_name = "HEIGHTS")]
    pub(crate) ladder: Vec<u32>,
    /// Anything to know on the day.
    #[arg(long)]
    pub(crate) notes: Option<String>,
}

impl Profiles {
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::List { json, .. }
            | Command::Show { json, .. }
            | Command::Add { json, .. }
            | Command::Edit { json, .. }
            | Command::Remove { json, .. }
            | Command::Import { json, .. }
            | Command::Export { json, .. }
            | Command::Test { json, .. }
            | Command::Recover { json } => *json,
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
