internal import NIOCore

/// A connection as other threads hold it: everything they ask for happens on its event loop.
final class ConnectionHandle: Sendable {
    private let eventLoop: any EventLoop
    private let connection: NIOLoopBound<HTTPConnection>

    /// To be called on the connection's event loop.
    init(_ connection: HTTPConnection, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
    }

    /// Whether its event loop is the caller's thread.
    var isNear: Bool { eventLoop.inEventLoop }

    /// Sends a request over a connection that was idle.
    func start(_ exchange: Exchange) {
        guard !eventLoop.inEventLoop else { return connection.value.start(exchange) }
        eventLoop.execute { self.connection.value.start(exchange) }
    }

    /// Closes the connection if it still carries this exchange.
    func abandon(_ exchange: Exchange) {
        eventLoop.execute { self.connection.value.abandon(exchange) }
    }

    /// Closes a connection that was idle.
    func close() {
        eventLoop.execute { self.connection.value.close() }
    }
}
