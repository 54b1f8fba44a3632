package import AMQP

/// The settings of intake.
package struct IntakeSettings: Sendable {
    package var broker: BrokerSettings
    /// Whether a message must carry the AMQP user of its publisher, which the broker verifies (`publishers.auth:
    /// required`).
    package var requiresUser = true
    /// Whether the worker declares exchanges and queues, or leaves them to the operator.
    package var declares = true
    /// The number of messages that the broker may send ahead on each queue.
    package var prefetch: UInt16 = 1000
    /// The largest body that is accepted, in bytes.
    package var maximumBodySize = 256 * 1024
    /// The pause between two checks that the exchanges, queues and bindings exist.
    package var topologyPause = Duration.seconds(20)
    /// The path of the file of `ReadingMark`, beside the store; nil for no mark.
    package var readingMarkPath: String?

    package init(broker: BrokerSettings) { self.broker = broker }
}
