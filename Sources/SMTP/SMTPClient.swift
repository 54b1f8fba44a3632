public import Logging
public import NIOCore

/// Sends messages through a relay (RFC 5321, RFC 6409), over connections that are kept and used again.
///
/// - Content leaves with CRLF line ends and stuffed dots only, whatever it came with.
/// - A message is sent a second time by itself only when a kept connection was dead before any reply to it.
///   Otherwise, see `SMTPError.mayHaveBeenAccepted`.
/// - A cancelled message ends with `cancelled` when its content is not out yet; else its outcome is waited for.
public final class SMTPClient: Sendable {
    private let pool: ConnectionPool
    private let connector: Connector

    /// A client on event loops that outlive it. Fails on settings that cannot be used.
    public init(
        settings: SMTPSettings, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws(SMTPError) {
        if let name = settings.heloName, !Mailbox.isDomain(Array(name.utf8)[...]) {
            throw .badAddress(name, reason: "EHLO needs a host name or an address in [ ]")
        }
        connector = Connector(settings: settings, group: eventLoopGroup, tls: try TLSClient(settings))
        pool = ConnectionPool(connector: connector, logger: logger)
    }

    /// Sends a message, and returns an outcome for each recipient, in their order.
    public func send(_ message: SMTPMessage) async throws(SMTPError) -> [SMTPRecipientOutcome] {
        let exchange = Exchange(message)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if exchange.begin(continuation) { pool.submit(exchange) }
            }
        } onCancel: {
            pool.cancel(exchange)
        }
        return try outcome.get()
    }

    /// Connects as for a message, logs in, and leaves; what the relay said of itself.
    public func probe() async throws(SMTPError) -> String {
        try await connector.connect(for: ProbeOwner())
    }

    /// Refuses new messages, fails those that wait, lets those under way end, and returns when every connection is
    /// closed. To be called before the event loops end.
    public func shutdown() async {
        await pool.shutdown()
    }
}
