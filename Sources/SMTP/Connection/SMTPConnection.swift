internal import NIOCore

/// A handle on a connection that any thread may hold. Every request runs on the connection's event loop.
final class SMTPConnection: Sendable {
    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<SMTPHandler>

    /// Creates the handle. Call it on the connection's event loop.
    init(_ handler: SMTPHandler, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    /// Sends a message over an idle connection.
    func start(_ transfer: SMTPTransfer) {
        guard !eventLoop.inEventLoop else { return handler.value.start(transfer) }
        startLater(transfer)
    }

    /// Sends a message in a later turn of the event loop, even when the caller is already on that loop.
    func startLater(_ transfer: SMTPTransfer) {
        eventLoop.execute { self.handler.value.start(transfer) }
    }

    /// Closes the connection if it still carries this message and has not sent its content.
    func abandon(_ transfer: SMTPTransfer) {
        eventLoop.execute { self.handler.value.abandon(transfer) }
    }

    /// Ends an idle connection with QUIT.
    func quit() {
        eventLoop.execute { self.handler.value.quit() }
    }
}

/// Decides how a connection is used: the pool for messages, a probe for `kentongan check`. The handler calls it on
/// the connection's event loop.
protocol SMTPConnectionOwner: Sendable {
    /// Reports an open connection, exactly once. `ready` or `closed` follows.
    func opened(_ connection: SMTPConnection)
    /// Returns the next use of a connection that can carry a message.
    func ready(_ connection: SMTPConnection) -> SMTPConnectionUse
    /// Returns a queued message for a connection that is about to send the content of another one, so that both leave
    /// in one write. It never returns a message that has already been on another connection.
    func waiting() -> SMTPTransfer?
    /// Reports the end of a connection that was `opened`.
    func closed(_ connection: SMTPConnection)
    /// Hands back a message that needs another connection.
    func retry(_ transfer: SMTPTransfer)
}

/// The next use of a connection.
enum SMTPConnectionUse {
    case serve(SMTPTransfer)
    case idle
    case quit
}

/// Closes a connection as soon as it has opened, to find out whether the relay can be reached.
struct ProbeOwner: SMTPConnectionOwner {
    func opened(_ connection: SMTPConnection) {}
    func ready(_ connection: SMTPConnection) -> SMTPConnectionUse { .quit }
    func waiting() -> SMTPTransfer? { nil }
    func closed(_ connection: SMTPConnection) {}
    func retry(_ transfer: SMTPTransfer) { transfer.finish(.failure(.poolClosed)) }
}
