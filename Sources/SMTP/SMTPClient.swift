import Addresses
public import Logging
public import NIOCore

/// Sends messages through relays (RFC 5321, RFC 6409), over connections that are kept and used again.
///
/// - Relays are tried in their order. One that does not serve rests, and the next takes its place.
/// - Content leaves with CRLF line ends and stuffed dots only, whatever it came with.
/// - A message is sent a second time by itself only when a kept connection was dead before any reply to it.
///   Otherwise, see `SMTPError.mayHaveBeenAccepted`.
/// - A cancelled message ends with `cancelled` when its content is not out yet; else its outcome is waited for.
public final class SMTPClient: Sendable {
    private let relays: [Relay]

    /// The event loop of the first relay. Tasks that send much do so with the least work on it.
    public var executors: [any TaskExecutor] { relays.prefix(1).map(\.executor) }

    /// A client on event loops that outlive it, of one relay at least. Fails on settings that cannot be used.
    public init(
        relays: [SMTPSettings], eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws(SMTPError) {
        guard !relays.isEmpty else { throw .badURL("no URL", reason: "there is no relay") }
        var made: [Relay] = []
        for settings in relays {
            if let name = settings.heloName, !DomainName.isHost(name) {
                throw .badAddress(name, reason: "EHLO needs a host name or an address in [ ]")
            }
            made.append(try Relay(settings, eventLoopGroup, logger))
        }
        self.relays = made
    }

    /// Sends a message through the first relay that serves, and returns an outcome for each recipient, in their order.
    public func send(_ message: SMTPMessage) async throws(SMTPError) -> [SMTPRecipientOutcome] {
        var doubtful: [SMTPRecipientOutcome]?
        for relay in relays where relay.rest == nil {
            do throws(SMTPError) {
                let outcomes = try await relay.send(message)
                guard outcomes.allSatisfy({ if case .doubtful = $0 { true } else { false } }) else { return outcomes }
                doubtful = outcomes
            } catch {
                guard error.isOfTheRelay else { throw error }
            }
        }
        if let doubtful { return doubtful }
        throw .noRelay(
            reason: relays.map(\.reason).joined(separator: "; "), retryAfter: relays.compactMap(\.rest).min() ?? .zero)
    }

    /// Connects to each as for a message, logs in, and leaves; what each said of itself, or why it could not be asked.
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

    /// Refuses new messages, fails those that wait, lets those under way end, and returns when every connection is
    /// closed. To be called before the event loops end.
    public func shutdown() async {
        for relay in relays { await relay.shutdown() }
    }
}
