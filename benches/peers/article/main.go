// A server as in the Go article that inspired Linecard: handlers in a map by name, one goroutine a
// connection, with a buffered reader and writer. A request is a command on a line. After it STRING
// takes one more line, and GOB one gob, each with a new decoder. Both get a reply.
//
//	article serve
//	article frames COMMAND COUNT REQUESTS-FILE REPLIES-FILE
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

type complexData struct {
	N int
	S string
	M map[string]int
	P []byte
	C *complexData
}

func articleData() complexData {
	return complexData{
		N: 23,
		S: "string data",
		M: map[string]int{"one": 1, "two": 2, "three": 3},
		P: []byte("abc"),
		C: &complexData{
			N: 256,
			S: "Recursive structs? Piece of cake!",
			M: map[string]int{"01": 1, "10": 2, "11": 3},
		},
	}
}

const thanks = "Thank you.\n"

type handler func(*bufio.ReadWriter) error

type endpoint struct {
	mutex    sync.RWMutex
	handlers map[string]handler
}

func (e *endpoint) handlerOf(name string) (handler, bool) {
	e.mutex.RLock()
	defer e.mutex.RUnlock()
	found, ok := e.handlers[name]
	return found, ok
}

func (e *endpoint) serve(conn net.Conn) {
	defer conn.Close()
	rw := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		handle, ok := e.handlerOf(strings.Trim(line, "\n "))
		if !ok {
			return
		}
		if err := handle(rw); err != nil {
			return
		}
		if err := rw.Flush(); err != nil {
			return
		}
	}
}

func handleString(rw *bufio.ReadWriter) error {
	if _, err := rw.ReadString('\n'); err != nil {
		return err
	}
	_, err := rw.WriteString(thanks)
	return err
}

func handleGob(rw *bufio.ReadWriter) error {
	var data complexData
	if err := gob.NewDecoder(rw).Decode(&data); err != nil {
		return err
	}
	_, err := rw.WriteString(thanks)
	return err
}

func frames(command string, count int, requests, replies string) error {
	var request bytes.Buffer
	if command == "STRING" {
		request.WriteString("STRING\nAdditional data.\n")
	} else {
		request.WriteString("GOB\n")
		if err := gob.NewEncoder(&request).Encode(articleData()); err != nil {
			return err
		}
	}
	if err := os.WriteFile(requests, bytes.Repeat(request.Bytes(), count), 0o644); err != nil {
		return err
	}
	return os.WriteFile(replies, bytes.Repeat([]byte(thanks), count), 0o644)
}

func main() {
	if len(os.Args) == 6 {
		count, err := strconv.Atoi(os.Args[3])
		if err == nil {
			err = frames(os.Args[2], count, os.Args[4], os.Args[5])
		}
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	e := endpoint{handlers: map[string]handler{"STRING": handleString, "GOB": handleGob}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go e.serve(conn)
	}
}
