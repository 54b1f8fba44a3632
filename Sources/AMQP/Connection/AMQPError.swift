/// Everything that can go wrong between this program and a broker. No case contains a password.
public enum AMQPError: Error, Sendable, Equatable {
    /// The broker's URL is invalid. The text names the component at fault and never quotes it.
    case badURL(String)
    /// No address accepted an AMQP connection; `address` is the last one tried.
    case connectFailed(address: String, reason: String)
    /// The broker rejected the user, the password or the virtual host.
    case loginRefused(address: String, reason: String)
    /// The TLS handshake failed, or the broker's certificate is not trusted.
    case tlsFailed(address: String, reason: String)
    /// A queue or exchange exists with other settings than the declared ones.
    case topologyMismatch(object: String, argument: String, wanted: String, found: String)
    /// The queue to consume from does not exist.
    case queueMissing(String)
    /// The broker cancelled the consumer because its queue was deleted or lost its leader.
    case consumerCancelled(queue: String)
    /// The connection ended. The outcome of every unconfirmed request is unknown.
    case connectionLost(reason: String)
    /// The broker closed the channel because it rejected a request.
    case channelClosed(code: Int, text: String)
    /// The message does not fit into AMQP frames; nothing of it was sent.
    case unsendable(reason: String)
    /// The task was cancelled, or the scope of the connection ended. The outcome of pending requests is unknown.
    case cancelled
}

extension AMQPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let reason):
            "the broker's URL is invalid: \(reason); the form is "
                + "amqp://USER:PASSWORD@HOST:5672,HOST:5672/VHOST, with special characters percent-encoded"
        case .connectFailed(let address, let reason):
            "cannot connect to the broker at \(address): \(reason); check that it is running and listens there"
        case .loginRefused(let address, let reason):
            "the broker at \(address) refused the login: \(reason); check the user, the password and the virtual host"
        case .tlsFailed(let address, let reason):
            "TLS with the broker at \(address) failed: \(reason); "
                + "check its certificate, its host name and the trusted authorities"
        case .topologyMismatch, .queueMissing, .consumerCancelled:
            topologyDescription
        case .connectionLost(let reason):
            "the connection to the broker was lost: \(reason); connect again"
        case .channelClosed(let code, let text):
            "the broker closed the channel (\(code)): \(text)"
        case .unsendable(let reason):
            "the message cannot be sent over AMQP: \(reason)"
        case .cancelled:
            "the request to the broker was cancelled"
        }
    }

    private var topologyDescription: String {
        switch self {
        case .topologyMismatch(let object, let argument, let wanted, let found):
            "\(object) exists with another \(argument): wanted \(wanted), found \(found); "
                + "delete it once it is empty, or configure the value that it has"
        case .queueMissing(let queue):
            "queue '\(queue)' does not exist; declare it, or check its name and the virtual host"
        case .consumerCancelled(let queue):
            "the broker cancelled the consumer of queue '\(queue)': the queue was deleted or moved; "
                + "declare it and consume again"
        default: ""
        }
    }
}
