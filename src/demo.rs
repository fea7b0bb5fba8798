//! `linecard demo`: a server and a client in one process, each of which prints what it sends and
//! receives.

use std::fmt::Display;
use std::io::{self, Write};
use std::thread;

use linecard_demo::{Complex, ComplexCommand, Demo, Levels, StringCommand};
use linecard_std::protocol::{Command, Failed, Handler, Postcard, Table, Text};
use linecard_std::{Client, Config, Server};

use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    let mut table = Table::<Printed, 2>::new();
    table.insert_command::<StringCommand>()?;
    table.insert_command::<ComplexCommand>()?;
    let server = Server::bind("127.0.0.1:0", Config { workers: 1, ..Config::default() })?;
    let address = server.local_addr().to_string();
    let handle = server.handle();
    thread::scope(|scope| {
        let serving = scope.spawn(|| server.run(table.bind(Printed(Demo))));
        let called = call(&address);
        handle.stop();
        serving.join().map_err(|_| "the server panicked")??;
        called
    })
}

fn call(address: &str) -> Outcome {
    say("client", "connects to", address)?;
    let mut client = Client::connect(address)?;

    let text = Text("Additional data.");
    say("client", "sends STRING", text.0)?;
    let reply = client.call::<StringCommand>(&text)?;
    say("client", "gets", reply.0)?;

    let sent = Complex::sample();
    let levels = sent.levels().map_err(|_| "the demo's struct is beyond its own limits")?;
    say("client", "sends COMPLEX", &sent)?;
    let reply = client.call::<ComplexCommand>(&Postcard(levels))?;
    let got = Complex::from(reply.0);
    say("client", "gets", &got)?;
    if got == sent { Ok(()) } else { Err("the reply is not the struct that was sent".into()) }
}

/// The handlers of the demo commands. They print each request and each reply.
#[derive(Clone)]
struct Printed(Demo);

impl Handler<StringCommand> for Printed {
    fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        print("gets STRING", text.0)?;
        let reply = Handler::<StringCommand>::handle(&mut self.0, text)?;
        print("answers", reply.0)?;
        Ok(reply)
    }
}

impl Handler<ComplexCommand> for Printed {
    fn handle<'a>(
        &'a mut self,
        levels: <ComplexCommand as Command>::Request<'a>,
    ) -> Result<Postcard<Levels<'a>>, Failed<'a>> {
        print("gets COMPLEX", Complex::from(levels.0.clone()))?;
        let reply = Handler::<ComplexCommand>::handle(&mut self.0, levels)?;
        print("answers", Complex::from(reply.0.clone()))?;
        Ok(reply)
    }
}

fn print(what: &str, value: impl Display) -> Result<(), Failed<'static>> {
    say("server", what, value).map_err(|_| Failed("can't write to standard output"))
}

/// Prints `who does: value`. A value of several lines goes below, indented.
fn say(who: &str, what: &str, value: impl Display) -> io::Result<()> {
    let value = value.to_string();
    let mut stdout = io::stdout().lock();
    if value.contains('\n') {
        writeln!(stdout, "{who} {what}:")?;
        value.lines().try_for_each(|line| writeln!(stdout, "    {line}"))
    } else {
        writeln!(stdout, "{who} {what}: {value}")
    }
}
