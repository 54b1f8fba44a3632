package import AMQP

/// How bulletins are taken in.
package struct IntakeSettings: Sendable {
    package var broker: BrokerSettings
    /// Whether a message must carry the AMQP user of its publisher, checked by the broker
    /// (`publishers.auth: required`).
    package var requiresUser = true
    /// Whether exchanges and queues are declared, or left to the operator.
    package var declares = true
    /// Messages that the broker may send ahead on each queue.
    package var prefetch: UInt16 = 1000
    /// The largest body, in bytes.
    package var maximumBodySize = 256 * 1024
    /// How often is looked whether the exchanges, queues and bindings are still there.
    package var topologyPause = Duration.seconds(20)
    /// A file beside the store, for `ReadingMark`.
    package var readingMarkPath: String?

    package init(broker: BrokerSettings) { self.broker = broker }
}
