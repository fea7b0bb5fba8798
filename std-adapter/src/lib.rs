//! (under construction)
#![no_std]
