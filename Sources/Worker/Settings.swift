package import AMQP
package import DeliveryEngine
package import Email
package import HTTPPost
package import Logging
package import SMTP
package import Storage

/// The whole configuration, checked.
package struct Settings: Sendable {
    package struct ListenAddress: Sendable, Equatable {
        package var host: String
        package var port: Int
    }

    package struct DataFiles: Sendable {
        package var regions: String
        package var successors: String
        package var timeZones: String
        package var fields: String
    }

    package var broker: BrokerSettings?
    package var declaresTopology: Bool
    package var prefetch: UInt16
    package var storePath: String
    /// The relays in the order in which they are tried; none: mail goes into `mailFolder`.
    package var relays: [SMTPSettings]
    package var mailFrom: String
    package var mailFromName: String
    /// Whether each mail has a return path of its own (VERP).
    package var variesReturnPaths: Bool
    /// Takes mails that unsubscribe; nil for none.
    package var unsubscribeAddress: String?
    /// The name in From where none is set; bulletins then bear their publishers' names.
    static let ownName = "Kentongan"
    package var mailFolder: String
    package var mailKeys: [DKIMKey]
    /// Where bounces come by LMTP, if anywhere.
    package var bounces: ListenAddress?
    package var listen: ListenAddress
    /// Where health and metrics are served apart; nil: where the portal listens.
    package var opsListen: ListenAddress?
    /// Whose `X-Forwarded-For` is believed.
    package var trustedProxies: [AddressNetwork]
    package var httpConnections: Int
    /// How many subscriptions the hub takes for one registered name of callbacks, and from one network.
    package var hubPerOwner: Int
    package var hubPerNetwork: Int
    /// Without a slash at its end.
    package var publicURL: String
    package var webhookNetworks: [AddressNetwork]
    /// A PEM file of authorities that webhooks' certificates are verified by; nil: the system's.
    package var webhookAuthorities: String?
    package var webhookConcurrency: Int
    /// How many attempts one host may have at once, and a second; 0 for no limit.
    package var webhooksPerHost: Int
    package var webhooksPerEndpoint: Int
    package var webhookRate: Int
    /// Mails a second; 0 for no limit.
    package var mailRate: Int
    /// Pauses between attempts.
    package var mailRetry: RetrySchedule
    package var webhookRetry: RetrySchedule
    /// Where operators are told what happens; nil: in the log.
    package var operators: String?
    package var retention: Retention
    package var lease: Duration
    package var grace: Duration
    package var requiresUser: Bool
    package var data: DataFiles
    package var logLevel: Logger.Level

    /// Where mails come in that `bounce` and LMTP take.
    package var intakeMailboxes: BounceIntake.Mailboxes {
        BounceIntake.Mailboxes(from: mailFrom, variesReturnPaths: variesReturnPaths, unsubscribe: unsubscribeAddress)
    }

    /// What `serve` and `publish` need of the broker.
    package func requireBroker() throws(ConfigurationError) -> BrokerSettings {
        guard let broker else { throw .missing(key: "amqp.url", purpose: "this command") }
        return broker
    }

    /// How many files and connections the worker needs for its own work at most: the store, the broker, health, relays, and
    /// connections of webhooks and of the hub.
    var ownDescriptors: Int {
        128 + 2 * webhookConcurrency + relays.reduce(0) { $0 + $1.maximumConnections }
    }
}
