//! `InBuf`: what is received comes out unchanged and in order, and all of the buffer can be used.

use std::collections::VecDeque;

use linecard_core::InBuf;
use proptest::collection::vec;
use proptest::prelude::*;

/// Receives as many of `bytes` as fit, and returns how many.
fn receive(input: &mut InBuf<Vec<u8>>, bytes: &[u8]) -> usize {
    let free = input.free();
    let len = free.len().min(bytes.len());
    free[..len].copy_from_slice(&bytes[..len]);
    input.commit(len);
    len
}

#[test]
fn a_new_buffer_is_empty_and_all_of_it_is_free() {
    let mut input = InBuf::new(vec![7; 4]);
    assert_eq!(input.received(), b"");
    assert_eq!(input.free().len(), 4);
    assert_eq!(InBuf::new([0; 0]).free().len(), 0);
}

#[test]
fn a_partly_filled_buffer_stays_in_place() {
    let mut input = InBuf::new(vec![0; 4]);
    receive(&mut input, b"ab");
    input.consume(1);
    assert_eq!(input.free().len(), 2, "only what is behind is free while something is");
    assert_eq!(input.received(), b"b");
    input.consume(1);
    assert_eq!(input.free().len(), 4, "an empty buffer is all free");
}

#[test]
fn consumed_space_is_free_again_once_the_rest_is_full() {
    let mut input = InBuf::new(vec![0; 4]);
    assert_eq!(receive(&mut input, b"abcdef"), 4);
    assert_eq!(input.free().len(), 0, "a full buffer has no free part");
    input.consume(3);
    assert_eq!(receive(&mut input, b"efgh"), 3);
    assert_eq!(input.received(), b"defg");
}

#[test]
fn a_cleared_buffer_is_as_new() {
    let mut input = InBuf::new(vec![0; 4]);
    receive(&mut input, b"abcd");
    input.consume(2);
    input.clear();
    assert_eq!(input.received(), b"");
    assert_eq!(input.free().len(), 4);
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "committed more than was free"))]
fn committing_too_much_is_a_bug_of_the_caller() {
    let mut input = InBuf::new(vec![0; 4]);
    input.commit(5);
    assert_eq!(input.received().len(), 4);
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "consumed more than was received"))]
fn consuming_too_much_is_a_bug_of_the_caller() {
    let mut input = InBuf::new(vec![0; 4]);
    receive(&mut input, b"ab");
    input.consume(3);
    assert_eq!(input.received(), b"");
}

proptest! {
    /// Steps alternate: so many bytes are received, then so many consumed.
    #[test]
    fn it_is_a_queue(capacity in 1_usize..40, steps in vec((0_usize..50, 0_usize..50), 0..60)) {
        let mut input = InBuf::new(vec![0; capacity]);
        let mut queue = VecDeque::<u8>::new();
        let mut numbers = (0..=u8::MAX).cycle();
        for (received, consumed) in steps {
            let bytes: Vec<u8> = numbers.by_ref().take(received).collect();
            let len = receive(&mut input, &bytes);
            queue.extend(&bytes[..len]);
            prop_assert_eq!(input.free().is_empty(), queue.len() == capacity);
            let consumed = consumed.min(queue.len());
            input.consume(consumed);
            queue.drain(..consumed);
            prop_assert_eq!(input.received(), &*queue.make_contiguous());
        }
    }
}
