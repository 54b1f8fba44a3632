/// All that can go wrong between this program and a broker. No case holds a password.
public enum AMQPError: Error, Sendable, Equatable {
    /// The URL of the broker cannot be used. The text names the part, and never repeats it.
    case badURL(String)
    /// Nothing that speaks AMQP answered at any address; `address` is the last one tried.
    case connectFailed(address: String, reason: String)
    /// The broker refused the user, the password or the virtual host.
    case loginRefused(address: String, reason: String)
    /// No trustworthy TLS connection could be made.
    case tlsFailed(address: String, reason: String)
    /// A queue or exchange exists with other settings than were asked for.
    case topologyMismatch(object: String, argument: String, wanted: String, found: String)
    /// The queue to consume from does not exist.
    case queueMissing(String)
    /// The broker ended the consumer: the queue was deleted, or its leader is gone.
    case consumerCancelled(queue: String)
    /// The connection ended. What was not confirmed may or may not have happened.
    case connectionLost(reason: String)
    /// The broker closed the channel because of something it was asked to do.
    case channelClosed(code: Int, text: String)
    /// The message cannot be put into AMQP frames; nothing of it was sent.
    case unsendable(reason: String)
    /// The task was cancelled, or the connection's scope ended. The outcome may be unknown.
    case cancelled
}

extension AMQPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let reason):
            "the broker's URL is not usable: \(reason); it looks like "
                + "amqp://USER:PASSWORD@HOST:5672,HOST:5672/VHOST, with special characters in percent form"
        case .connectFailed(let address, let reason):
            "no connection to the broker at \(address): \(reason); check that it runs and listens there"
        case .loginRefused(let address, let reason):
            "the broker at \(address) refused the login: \(reason); check user, password and virtual host"
        case .tlsFailed(let address, let reason):
            "no TLS connection to the broker at \(address): \(reason); "
                + "check its certificate, its name and the file of authorities"
        case .topologyMismatch, .queueMissing, .consumerCancelled:
            topologyDescription
        case .connectionLost(let reason):
            "the connection to the broker was lost: \(reason); connect again"
        case .channelClosed(let code, let text):
            "the broker closed the channel (\(code)): \(text)"
        case .unsendable(let reason):
            "the message cannot be sent over AMQP: \(reason)"
        case .cancelled:
            "the work with the broker was cancelled"
        }
    }

    private var topologyDescription: String {
        switch self {
        case .topologyMismatch(let object, let argument, let wanted, let found):
            "\(object) exists with another \(argument): wanted \(wanted), found \(found); "
                + "delete it once it is empty, or ask for what it has"
        case .queueMissing(let queue):
            "queue '\(queue)' does not exist; declare it, or check its name and the virtual host"
        case .consumerCancelled(let queue):
            "the broker ended the consumer of queue '\(queue)': the queue was deleted or moved; "
                + "declare it and consume again"
        default: ""
        }
    }
}
