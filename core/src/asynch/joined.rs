use embedded_io_async::{ErrorType, Read, Write};

/// Two halves of a stream as one, for a [`Caller`](super::Caller). A server takes halves as they
/// are: [`Connection::serve_split`](super::Connection::serve_split).
#[derive(Clone, Copy, Debug, Default)]
pub struct Joined<R, W>(pub R, pub W);

impl<R: ErrorType, W> ErrorType for Joined<R, W> {
    type Error = R::Error;
}

impl<R: Read, W: Write<Error = R::Error>> Read for Joined<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = Result<usize, R::Error>> {
        self.0.read(buf)
    }
}

impl<R: Read, W: Write<Error = R::Error>> Write for Joined<R, W> {
    fn write(&mut self, buf: &[u8]) -> impl Future<Output = Result<usize, R::Error>> {
        self.1.write(buf)
    }

    fn flush(&mut self) -> impl Future<Output = Result<(), R::Error>> {
        self.1.flush()
    }
}
