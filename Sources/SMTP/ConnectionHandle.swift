internal import NIOCore

/// A connection as other threads hold it: everything they ask for happens on its event loop.
final class ConnectionHandle: Sendable {
    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<SMTPHandler>

    /// To be called on the connection's event loop.
    init(_ handler: SMTPHandler, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    /// Sends a message over a connection that was idle.
    func start(_ exchange: Exchange) {
        guard !eventLoop.inEventLoop else { return handler.value.start(exchange) }
        startLater(exchange)
    }

    /// The same, but never at once.
    func startLater(_ exchange: Exchange) {
        eventLoop.execute { self.handler.value.start(exchange) }
    }

    /// Ends the connection if it still carries this message, and its content is not out.
    func abandon(_ exchange: Exchange) {
        eventLoop.execute { self.handler.value.abandon(exchange) }
    }

    /// Ends a connection that was idle.
    func quit() {
        eventLoop.execute { self.handler.value.quit() }
    }
}
