//! A mirror on the loopback interface that behaves as badly as a test asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::Source;
use crate::fixture::gzip;
use crate::manifest;

/// A connection serves one request and announces that. Otherwise a client might use it again just as it closes.
const CLOSE: &str = "Connection: close\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n";

/// What a mirror does with every request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    /// Sends the file asked for.
    Good,
    /// The file without its length: the end of the connection is the end of the file.
    GoodUntilClose,
    /// Answers with this status and an error page.
    Status(u16),
    /// 200 and an HTML page.
    Html,
    /// The right number of bytes, one bit wrong.
    WrongBytes,
    /// Announces the whole file, and closes after this many bytes.
    Cut(usize),
    /// Sends this many bytes as if they were the whole file.
    Short(usize),
    /// Sends the file, and never stops sending.
    Endless,
    /// Sends the client back to where it already is.
    RedirectLoop,
    /// Sends the client to an address with commands to a terminal in it.
    RedirectToCommands,
    /// Closes the connection without reading the request.
    Reset,
    /// Speaks plain http to a client that expects https.
    NoTls,
    /// Sends the header slowly, byte by byte.
    SlowHeader,
    /// Sends the header at once, and the file slowly, byte by byte.
    SlowBody,
    /// Sends half of the file, and then nothing at all.
    Stall,
}

/// A running mirror; dropping it stops it.
pub(super) struct Server {
    address: SocketAddr,
    behaviour: Behaviour,
    stop: Arc<AtomicBool>,
    requests: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the four files in `raw`, zipped, under their published names.
    pub(super) fn start(raw: &[Vec<u8>; 4], behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counter) = (stop.clone(), requests.clone());
        let files = Arc::new(raw.each_ref().map(|raw| gzip(raw)));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                let (files, stopped) = (files.clone(), stopped.clone());
                // A client that gives up closes the connection; its thread then ends in an error.
                thread::spawn(move || answer(stream.unwrap(), &files[..], behaviour, &stopped));
            }
        });
        Self { address, behaviour, stop, requests, thread: Some(thread) }
    }

    pub(super) fn source(&self) -> Source {
        let scheme = if let Behaviour::NoTls = self.behaviour { "https" } else { "http" };
        Source::Url(format!("{scheme}://{}/data", self.address))
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.thread.take().map(JoinHandle::join);
    }
}

fn answer(
    mut stream: TcpStream,
    files: &[Vec<u8>],
    behaviour: Behaviour,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    if let Behaviour::Reset = behaviour {
        // Closing with unread data in the buffer makes the system send a reset.
        return stream.peek(&mut [0]).map(|_| ());
    }
    if let Behaviour::NoTls = behaviour {
        // Reads the client's whole greeting: otherwise the system would send a reset here too.
        return stream.read(&mut [0; 1 << 14]).and_then(|_| stream.write_all(OK.as_bytes()));
    }
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? > 0 {
        request.extend(byte);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let name = path.strip_prefix("/data/").unwrap_or_default();
    let index = manifest::fashion_mnist().files.iter().position(|spec| spec.name == name);
    let file = index.map_or(b"".as_slice(), |index| &files[index]);

    let header = |length: usize| format!("{OK}Content-Length: {length}\r\n\r\n");
    let whole = |length: usize, body: &[u8]| [header(length).as_bytes(), body].concat();
    let reply = match behaviour {
        Behaviour::Good => whole(file.len(), file),
        Behaviour::GoodUntilClose => [OK.as_bytes(), b"\r\n", file].concat(),
        Behaviour::Status(code) => {
            format!("HTTP/1.1 {code} No\r\n{CLOSE}Content-Length: 6\r\n\r\n<html>").into_bytes()
        }
        Behaviour::Html => whole(21, b"<html>Hello!</html>\r\n"),
        Behaviour::WrongBytes => {
            let mut wrong = file.to_vec();
            wrong[file.len() / 2] ^= 1;
            whole(file.len(), &wrong)
        }
        Behaviour::Cut(at) => whole(file.len(), &file[..at.min(file.len())]),
        Behaviour::Short(length) => whole(length, &file[..length]),
        Behaviour::Endless => {
            stream.write_all(&[OK.as_bytes(), b"\r\n", file].concat())?;
            while !stop.load(Ordering::SeqCst) {
                stream.write_all(&[0; 4096])?;
            }
            return Ok(());
        }
        Behaviour::RedirectLoop => {
            format!("HTTP/1.1 302 Found\r\n{CLOSE}Location: {path}\r\nContent-Length: 0\r\n\r\n")
                .into()
        }
        Behaviour::RedirectToCommands => {
            let place = "http://a\u{9b}31m\u{9d}0;b/\u{202e}";
            format!("HTTP/1.1 302 Found\r\n{CLOSE}Location: {place}\r\nContent-Length: 0\r\n\r\n")
                .into()
        }
        Behaviour::Reset | Behaviour::NoTls => return Ok(()),
        Behaviour::SlowHeader => return drip(&mut stream, &whole(file.len(), file), stop),
        Behaviour::SlowBody => {
            stream.write_all(header(file.len()).as_bytes())?;
            return drip(&mut stream, file, stop);
        }
        Behaviour::Stall => {
            stream.write_all(&whole(file.len(), &file[..file.len() / 2]))?;
            // Until the client hangs up.
            return stream.read(&mut byte).map(|_| ());
        }
    };
    stream.write_all(&reply)
}

/// Sends one byte every 20 ms, until the client gives up.
fn drip(stream: &mut TcpStream, bytes: &[u8], stop: &AtomicBool) -> std::io::Result<()> {
    for byte in bytes.iter().take_while(|_| !stop.load(Ordering::SeqCst)) {
        thread::sleep(Duration::from_millis(20));
        stream.write_all(std::slice::from_ref(byte))?;
    }
    Ok(())
}
