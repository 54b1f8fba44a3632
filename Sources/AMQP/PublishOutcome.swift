/// What a broker did with a message.
public enum PublishOutcome: Sendable, Equatable {
    /// It has taken it: on disk, where message and queue are durable.
    case confirmed
    /// No queue takes it: nothing is bound for its routing key. It is not kept.
    case returned(code: Int, reason: String)
    /// It could not take it, a full queue that rejects being the usual reason. It is not kept.
    case refused
}
