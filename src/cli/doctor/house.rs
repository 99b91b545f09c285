//! What is on this machine: clock, store, port, open files.

use super::{Finding, names, quoted};
use crate::app::clock_doubt;
use crate::config::Loaded;
use crate::store::Store;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Besides attempts: store, pages, relays, logs.
const FILES_BESIDES: u64 = 500;
/// How long a daemon that listens already may take to say that it is well.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The most of its answer that is read.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Looks.
pub(super) async fn look(loaded: &Loaded) -> Vec<Finding> {
    let settings = &loaded.settings;
    vec![
        clock(settings.require_sync).await,
        store(&settings.store.path),
        port(&settings.listen).await,
        open_files(settings.concurrency),
    ]
}

async fn clock(require_sync: bool) -> Finding {
    let remedy = names("启用 systemd-timesyncd 或 chrony", "enable systemd-timesyncd or chrony");
    match clock_doubt().await {
        None => Finding::ok("clock", names("已同步", "synchronised")),
        Some(doubt) if require_sync => Finding::problem("clock", doubt, remedy),
        Some(_) => {
            let text = names("系统时钟未同步，或无法得知", "not synchronised, or nobody knows");
            Finding::warning("clock", text, remedy)
        }
    }
}

/// Whether facts can be written where they are kept. What is there is opened to be read alone: a daemon may run.
fn store(path: &Path) -> Finding {
    let shown = path.display();
    let check = format!("store {shown}");
    if path.exists()
        && let Err(error) = Store::open_to_read(path)
    {
        let remedy = names("用 gengfu restore 放回备份", "put a copy back with `gengfu restore`");
        return Finding::problem(check, quoted(error.to_string()), remedy);
    }
    let mut folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    while !folder.exists() {
        let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) else { break };
        folder = parent;
    }
    match tempfile_in(folder) {
        Ok(()) => Finding::ok(check, names("可写", "can be written")),
        Err(error) => {
            let text = names(
                format!("不能在 {} 中写入：{error}", folder.display()),
                format!("cannot write in {}: {error}", folder.display()),
            );
            let remedy = names("把目录交给运行更夫的用户", "give the directory to the user that gengfu runs as");
            Finding::problem(check, text, remedy)
        }
    }
}

/// Writes a file that nobody has, and takes it away.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".gengfu-doctor-{}", std::process::id()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path).map(drop);
    if written.is_ok() {
        std::fs::remove_file(&path)?;
    }
    written
}

/// Whether the daemon can listen, or does already.
async fn port(listen: &str) -> Finding {
    let check = format!("listen {listen}");
    let remedy = || names("停掉占用者，或改 `listen`", "stop what listens there, or set another `listen`");
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(check, names("空闲", "free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if tokio::time::timeout(ANSWER_WITHIN, is_healthy(listen)).await == Ok(true) {
                return Finding::ok(check, names("更夫正在服务", "gengfu serves there"));
            }
            Finding::problem(check, names("被别的程序占用", "something else listens there"), remedy())
        }
        Err(error) => Finding::problem(check, quoted(error.to_string()), remedy()),
    }
}

/// Whether what listens there says that it is well. TLS is not asked further: only we would speak it there.
async fn is_healthy(listen: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(listen).await else { return false };
    let request = format!("GET /-/healthy HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let _ = stream.take(ANSWER_BYTES_MAX as u64).read_to_end(&mut answer).await;
    // An alert of TLS (record type 21): the first `listen` speaks it.
    answer.first() == Some(&21) || String::from_utf8_lossy(&answer).ends_with("healthy\n")
}

fn open_files(concurrency: usize) -> Finding {
    let needed = u64::try_from(concurrency).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(FILES_BESIDES);
    let check = "open files";
    match rlimit::Resource::NOFILE.get() {
        Ok((_, hard)) if hard >= needed => Finding::ok(check, names(format!("上限 {hard}"), format!("limit {hard}"))),
        Ok((_, hard)) => {
            let text = names(
                format!("上限 {hard}，而 {concurrency} 个并发探测需要约 {needed}"),
                format!("limit {hard}, and {concurrency} attempts at a time need about {needed}"),
            );
            let remedy = names(
                "提高 LimitNOFILE，或降低 `probing.concurrency`",
                "raise LimitNOFILE, or lower `probing.concurrency`",
            );
            Finding::problem(check, text, remedy)
        }
        Err(error) => {
            Finding::warning(check, quoted(error.to_string()), names("用 ulimit -n 查看", "look with `ulimit -n`"))
        }
    }
}
