//! A small hub on loopback: it answers what the hub's client asks for, redirects to a "storage
//! server" as the real one does, and can misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub const COMMIT: &str = "ab810cf68114990406fdf996510dd3d3c6adbdf5";

/// How a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    Whole,
    /// Ends after so many bytes, though more were announced.
    CutAfter(usize),
    /// Sends so many bytes and then nothing more.
    StallsAfter(usize),
    /// One bit is wrong.
    Altered,
}

/// What the hub holds and how it behaves.
pub struct Hub {
    pub repo: &'static str,
    pub files: Vec<&'static str>,
    pub content: Vec<u8>,
    /// Files with a content of their own.
    pub others: Vec<(&'static str, Vec<u8>)>,
    /// Refuses whoever does not show this token.
    pub token: Option<&'static str>,
    /// Accepts connections and never answers.
    pub hangs: bool,
    /// One transfer after another goes like this; the last one is repeated.
    pub transfers: Vec<Transfer>,
}

impl Hub {
    pub fn holding(content: &[u8]) -> Self {
        Self {
            repo: "owner/model",
            files: vec!["model.Q4_1.gguf"],
            content: content.to_vec(),
            others: Vec::new(),
            token: None,
            hangs: false,
            transfers: vec![Transfer::Whole],
        }
    }

    fn content_of(&self, file: &str) -> &[u8] {
        let other = self.others.iter().find(|(name, _)| *name == file);
        other.map_or(&self.content, |(_, content)| content)
    }

    pub fn start(self) -> HubServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = HubServer { endpoint: endpoint.clone(), requests: Arc::clone(&requests) };
        let shared = Arc::new((self, endpoint, requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that went away is the client's business.
                    answer(&shared.0, &shared.1, &shared.2, stream).ok();
                });
            }
        });
        server
    }
}

pub struct HubServer {
    pub endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HubServer {
    /// "METHOD /path" of every request so far, with " from BYTE" after it when it asked for a part, and
    /// " token" when it showed one.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Transfers begun.
    pub fn transfers(&self) -> usize {
        self.requests().iter().filter(|request| request.starts_with("GET /storage/")).count()
    }
}

fn answer(
    hub: &Hub,
    endpoint: &str,
    requests: &Mutex<Vec<String>>,
    mut stream: TcpStream,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut token = None;
    let mut from = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            token = Some(value.trim().to_owned());
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            let start = value.trim().trim_start_matches("bytes=").split('-').next();
            from = start.and_then(|start| start.parse().ok()).unwrap_or(0);
        }
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let number = {
        let mut seen = requests.lock().unwrap();
        let number = seen.iter().filter(|one| one.starts_with("GET /storage/")).count();
        let shown = token.as_deref().map_or(String::new(), |token| format!(" {token}"));
        let range = if from > 0 { format!(" from {from}") } else { String::new() };
        seen.push(format!("{method} {path}{range}{shown}"));
        number
    };
    if hub.hangs {
        std::thread::sleep(Duration::from_secs(3600));
    }
    let content = hub.content_of(path.rsplit('/').next().unwrap_or_default());
    let sha256: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let size = content.len();
    let resolve = format!("/{}/resolve/", hub.repo);
    if path.starts_with("/storage/") {
        if method == "HEAD" {
            return write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n"
            );
        }
        return transfer(hub, content, number, from, &mut stream);
    }
    let wanted = hub.token.map(|token| format!("Bearer {token}"));
    if wanted.is_some() && wanted != token {
        return write!(stream, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    }
    if path == format!("/api/models/{}", hub.repo) {
        let siblings: Vec<_> =
            hub.files.iter().map(|file| serde_json::json!({ "rfilename": file })).collect();
        let body = serde_json::json!({ "id": hub.repo, "siblings": siblings }).to_string();
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
    }
    let file = path.strip_prefix(&resolve).and_then(|rest| rest.split_once('/'));
    match file {
        Some((revision, file))
            if hub.files.contains(&file) && ["main", COMMIT].contains(&revision) =>
        {
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nlocation: {endpoint}/storage/{file}\r\netag: \"linked\"\r\n\
                 x-repo-commit: {COMMIT}\r\nx-linked-etag: \"{sha256}\"\r\n\
                 x-linked-size: {size}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
        }
        _ => write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nx-error-code: EntryNotFound\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        ),
    }
}

fn transfer(
    hub: &Hub,
    content: &[u8],
    number: usize,
    from: usize,
    stream: &mut TcpStream,
) -> std::io::Result<()> {
    let how = hub.transfers.get(number).or(hub.transfers.last()).copied().unwrap();
    let Some(content) = content.get(from..).filter(|rest| !rest.is_empty()) else {
        return write!(
            stream,
            "HTTP/1.1 416 Range Not Satisfiable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
    };
    let size = content.len();
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n")?;
    match how {
        Transfer::Whole => stream.write_all(content),
        Transfer::CutAfter(count) => stream.write_all(&content[..count]),
        Transfer::StallsAfter(count) => {
            stream.write_all(&content[..count])?;
            stream.flush()?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        Transfer::Altered => {
            let mut wrong = content.to_vec();
            wrong[size / 2] ^= 1;
            stream.write_all(&wrong)
        }
    }
}
