#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that takes a request and then keeps silent, or sends one byte now and then: for --debuginfod to be interrupted.

usage: silent_server.py silent|slow PORT LOG
"""
import socket
import sys
import threading
import time


def serve(connection, how, log):
    request = connection.recv(65536).split(b"\r\n")[0].decode(errors="replace")
    if how == "slow":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n")
    with open(log, "a", encoding="utf-8") as file:
        file.write(request + "\n")
    try:
        while how == "slow":
            connection.sendall(b"x")
            time.sleep(0.05)
        connection.recv(1)
    except OSError:
        pass


def main():
    how, port, log = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, how, log), daemon=True).start()


main()
