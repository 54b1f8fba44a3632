// An SMTP client that knows nothing of bulletins.
//
// A message passes through these layers, each in a folder of its own:
//
//   SMTPClient           picks the first relay that serves
//   Relay                counts rejections and rests when the relay does not serve
//   SMTPConnectionPool   queues the message, opens connections and retries once on a dead one
//   SMTPHandler          connects a channel and its timer to the session
//   SMTPSession          the protocol as a pure state machine
//
// ReplyParser, CommandEncoder and ContentEncoder translate between the session and the wire.

import Addresses
public import Logging
public import NIOCore

/// Sends messages through relays (RFC 5321, RFC 6409) over pooled connections.
///
/// - Relays are tried in order. A relay that does not serve rests, and the next one takes its place.
/// - Content leaves with CRLF line ends and stuffed dots, whatever line ends it came with.
/// - The client repeats a message on its own only if a kept connection was dead before the first reply. For every
///   other failure, see `SMTPError.mayHaveBeenAccepted`.
/// - A cancelled message ends with `cancelled` if its content has not been sent. Otherwise the client waits for its
///   outcome.
public final class SMTPClient: Sendable {
    private let relays: [Relay]

    /// The event loop of the first relay. Tasks that send many messages run most cheaply on it.
    public var executors: [any TaskExecutor] { relays.prefix(1).map(\.executor) }

    /// Creates a client of at least one relay. The event loops must outlive it. Settings that cannot be used are an
    /// error.
    public init(
        relays: [SMTPSettings], eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws(SMTPError) {
        guard !relays.isEmpty else { throw .badURL("an empty list", reason: "smtp.url names no relay") }
        var made: [Relay] = []
        for settings in relays {
            if let name = settings.heloName, !DomainName.isHost(name) {
                throw .badAddress(name, reason: "EHLO needs a host name, or an address in [ ]")
            }
            made.append(try Relay(settings, eventLoopGroup, logger))
        }
        self.relays = made
    }

    /// The number of connections that are open or being opened, to all relays.
    public var openConnections: Int { relays.reduce(0) { $0 + $1.openConnections } }

    /// Sends a message through the first relay that serves. Returns one outcome per recipient, in their order.
    public func send(_ message: SMTPMessage) async throws(SMTPError) -> [SMTPRecipientOutcome] {
        var doubtful: [SMTPRecipientOutcome]?
        for relay in relays where relay.rest == nil {
            do throws(SMTPError) {
                let outcomes = try await relay.send(message)
                guard outcomes.allSatisfy({ if case .doubtful = $0 { true } else { false } }) else { return outcomes }
                doubtful = outcomes
            } catch {
                guard error.isRelayFault else { throw error }
            }
        }
        if let doubtful { return doubtful }
        throw .noRelay(
            reason: relays.map(\.reason).joined(separator: "; "), retryAfter: relays.compactMap(\.rest).min() ?? .zero)
    }

    /// Connects and logs in to each relay, then quits. Returns each relay's own description, or why it cannot be
    /// reached.
    public func probe() async -> [Result<String, SMTPError>] {
        var answers: [Result<String, SMTPError>] = []
        for relay in relays {
            do throws(SMTPError) {
                answers.append(.success(try await relay.probe()))
            } catch {
                answers.append(.failure(error))
            }
        }
        return answers
    }

    /// Rejects new messages, fails those that wait, and returns when the messages under way have ended and every
    /// connection is closed. Call it before the event loops end.
    public func shutdown() async {
        for relay in relays { await relay.shutdown() }
    }
}
