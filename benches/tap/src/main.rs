//! Runs both servers in turns under the same load, and prints a table. benches/tap/run starts it in
//! a network namespace.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use linecard_core::{ClientSession, Frame, Instant, OutBuf, Postcard, Service, Session, pump};
use linecard_demo::{Complex, ComplexCommand, Demo, table};
use linecard_tap_bench::{BULK_LEN, Failure, LIMITS, ReturnBody};
use serde_json::Value;

const SERVER: &str = "192.168.69.1:61000";
const DEPTHS: [u32; 2] = [1, 64];
const BULK_DEPTHS: [u32; 2] = [1, 8];

/// A request and its reply, and the Linecard server that answers it.
struct Exchange {
    name: &'static str,
    server: &'static str,
    request: PathBuf,
    reply: PathBuf,
    request_len: usize,
    reply_len: usize,
    depths: [u32; 2],
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let rounds: usize = args.next().unwrap_or("5".into()).parse()?;
    let seconds: f64 = args.next().unwrap_or("1".into()).parse()?;
    let programs = std::env::current_exe()?.parent().ok_or("no directory")?.to_owned();
    let exchanges = [
        Exchange::of_demo("STRING", b"STRING\nAdditional data.\n".to_vec())?,
        Exchange::of_body("bytes", complex()?, DEPTHS)?,
        Exchange::of_demo("COMPLEX", complex()?)?,
        Exchange::of_body("bulk", bulk(), BULK_DEPTHS)?,
    ];
    println!(
        "requests per second over TAP, one connection, both sides on CPU 0, median of {rounds} \
         rounds of {seconds} s"
    );
    let [echo, ours, ratio, best] = ["smoltcp echo", "Linecard", "ratio", "of best"];
    println!("{:<24}{echo:>12}{ours:>12}{ratio:>8}{best:>8}", "");
    for exchange in &exchanges {
        for depth in exchange.depths {
            let (mut echo, mut ours) = (vec![], vec![]);
            for _ in 0..rounds {
                echo.push(measure(&programs, exchange, depth, seconds, echo_server)?);
                ours.push(measure(&programs, exchange, depth, seconds, linecard_server)?);
            }
            let best = fastest(&ours) / fastest(&echo);
            let (echo, ours) = (median(echo), median(ours));
            let Exchange { name, request_len, reply_len, .. } = exchange;
            let label = format!("{name} {request_len}/{reply_len}, {depth} deep");
            println!("{label:<24}{echo:>12.0}{ours:>12.0}{:>8.3}{best:>8.3}", ours / echo);
        }
    }
    Ok(())
}

impl Exchange {
    fn of_demo(name: &'static str, request: Vec<u8>) -> Result<Self, Failure> {
        Self::new((name, "examples/tap_server"), &request, &mut table().bind(Demo), DEPTHS)
    }

    /// A request whose body is returned.
    fn of_body(name: &'static str, request: Vec<u8>, depths: [u32; 2]) -> Result<Self, Failure> {
        Self::new((name, "bytes"), &request, &mut ReturnBody, depths)
    }

    fn new(
        (name, server): (&'static str, &'static str),
        request: &[u8],
        service: &mut dyn Service,
        depths: [u32; 2],
    ) -> Result<Self, Failure> {
        let limits = LIMITS;
        let mut bytes = vec![0; limits.max_reply_frame_len()];
        let mut out = OutBuf::new(&mut bytes);
        let mut session = Session::new(&limits, Instant::from_millis(0));
        let _ = pump(&mut session, service, Instant::from_millis(0), request, false, &mut out);
        let directory = std::env::temp_dir().join(format!("linecard-tap-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let file = |way: &str| directory.join(format!("{name}.{way}"));
        let exchange = Self {
            name,
            server,
            request: file("request"),
            reply: file("reply"),
            request_len: request.len(),
            reply_len: out.written().len(),
            depths,
        };
        fs::write(&exchange.request, request)?;
        fs::write(&exchange.reply, out.written())?;
        Ok(exchange)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.request);
        let _ = fs::remove_file(&self.reply);
        if let Some(directory) = self.reply.parent() {
            let _ = fs::remove_dir(directory); // succeeds when it is empty
        }
    }
}

/// A body of so many bytes that it fills most of a ring.
fn bulk() -> Vec<u8> {
    let body = vec![b'x'; BULK_LEN as usize];
    [format!("BULK {BULK_LEN}\n").as_bytes(), &body, b"\n"].concat()
}

/// The demo's struct in an untagged request.
fn complex() -> Result<Vec<u8>, Failure> {
    let value = Complex::sample();
    let levels = value.levels().map_err(|_| "over the command's limits")?;
    let mut bytes = [0; 4_096];
    let mut out = OutBuf::new(&mut bytes);
    ClientSession::<1>::new(0, 0)
        .call::<ComplexCommand>(&Postcard(levels), &mut out)
        .map_err(|_| "not to be encoded")?;
    let (frame, _) = Frame::parse(out.written()).ok_or("no frame")?;
    let body = frame.body.bytes();
    Ok([format!("{} {}\n", frame.name, body.len()).as_bytes(), body, b"\n"].concat())
}

fn echo_server(programs: &Path, exchange: &Exchange) -> Command {
    let mut command = pinned(&programs.join("echo"));
    command.arg(exchange.request_len.to_string()).arg(&exchange.reply);
    command
}

fn linecard_server(programs: &Path, exchange: &Exchange) -> Command {
    pinned(&programs.join(exchange.server))
}

/// Server and client share one CPU, so no wake-up crosses to another one.
fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

/// A server that ends with the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(
    programs: &Path,
    exchange: &Exchange,
    depth: u32,
    seconds: f64,
    server: fn(&Path, &Exchange) -> Command,
) -> Result<f64, Failure> {
    let mut server = Running(server(programs, exchange).stdout(Stdio::piped()).spawn()?);
    let stdout = server.0.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if !line.starts_with("listening on") {
        return Err("a server did not start".into());
    }
    let output = pinned(&programs.join("linecard"))
        .args(["bench", SERVER, "--json", "--depth", &depth.to_string()])
        .args(["--seconds", &seconds.to_string(), "--raw-requests"])
        .arg(&exchange.request)
        .arg("--raw-replies")
        .arg(&exchange.reply)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    match (report["errors"].as_u64(), report["requests_per_second"].as_f64()) {
        (Some(0), Some(rate)) => Ok(rate),
        _ => Err(format!("the load failed: {report}").into()),
    }
}

/// The best round, the one with the least disturbance.
fn fastest(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(0.0, f64::max)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
