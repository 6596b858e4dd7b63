// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate
internal import Glibc

// What libmicrohttpd calls, always on the one thread, always from within `Listener.run()` or `stop()`. Contexts are
// unretained pointers: listeners live as long as the process, connections as long as they are in their listener's
// table, from the library's first notice (STARTED) to its last (CLOSED).

private func listener(_ context: UnsafeMutableRawPointer?) -> Listener? {
    context.map { Unmanaged<Listener>.fromOpaque($0).takeUnretainedValue() }
}

private func connection(of handle: OpaquePointer) -> Connection? {
    nodekeep_mhd_socket_context(handle).map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
}

func libraryLogged(context: UnsafeMutableRawPointer?, line: UnsafePointer<CChar>?) {
    guard let listener = listener(context), let line else { return }
    let text = String(cString: line)
    // What it says of every handshake that fails, and nothing else: `Server.closed` knows more.
    if listener.kind == .main, text.hasPrefix("Error: received handshake message out of context") { return }
    listener.server.log(.warning, "libmicrohttpd: " + text.filter { !$0.isNewline })
}

func connectionChanged(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?,
    socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    event: MHD_ConnectionNotificationCode
) {
    guard let listener = listener(context), let handle, let socketContext else { return }
    switch event {
    case .CONNECTION_NOTIFY_STARTED:
        let connection = listener.server.opened(handle, on: listener)
        socketContext.pointee = Unmanaged.passUnretained(connection).toOpaque()
    case .CONNECTION_NOTIFY_CLOSED:
        guard let known = socketContext.pointee else { return }
        socketContext.pointee = nil
        listener.server.closed(Unmanaged<Connection>.fromOpaque(known).takeUnretainedValue())
    }
}

/// The request line has been read. What is returned becomes the request's context in the calls that follow.
func targetRead(
    context: UnsafeMutableRawPointer?, uri: UnsafePointer<CChar>?, handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let listener = listener(context), let uri, let handle, let connection = connection(of: handle) else {
        return nil
    }
    listener.server.began(connection, target: bytes(uri, cStringSize(uri)))
    return Unmanaged.passUnretained(connection).toOpaque()
}

/// The library's own unescaping cuts at `%00` and joins `%2f`: nobody here uses its result.
func leaveEscaped(context: UnsafeMutableRawPointer?, handle: OpaquePointer?, text: UnsafeMutablePointer<CChar>?) -> Int
{
    text.map { cStringSize($0) } ?? 0
}

func handleRequest(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?, url: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?,
    version: UnsafePointer<CChar>?, upload: UnsafePointer<CChar>?, uploadSize: UnsafeMutablePointer<Int>?,
    requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let listener = listener(context), let handle, let method, let version, let uploadSize,
        let connection = connection(of: handle)
    else { return .NO }
    return listener.server.handle(connection, method: method, version: version, uploadSize: uploadSize) ? .YES : .NO
}

func requestCompleted(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?,
    requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    code: MHD_RequestTerminationCode
) {
    guard let listener = listener(context), let handle, let connection = connection(of: handle) else { return }
    listener.server.completed(connection)
}
