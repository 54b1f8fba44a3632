import Administration
import ArgumentParser
import Bulletins
import Logging
import Storage
import Worker

extension SubscriptionsCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds subscriptions of one endpoint, verified immediately unless --verify is given.",
            discussion: "One subscription for each region and field. A webhook's secret is shown this once.")

        @OptionGroup var options: CommonOptions
        @Option(help: "An email address.") var email: String?
        @Option(help: "A webhook's URL.") var webhook: String?
        @Flag(help: "A feed.") var feed = false
        @Option(help: "A region; may be given more than once.") var region: [String]
        @Option(help: "A field, or * for all; may be given more than once.") var field: [String] = []
        @Option(help: "announcement or proposal; both if none is given.") var kind: [String] = []
        @Option(help: "upward, downward or both.") var reach = "both"
        @Option(help: "immediate, or for email daily or weekly.") var frequency = "immediate"
        @Option(help: "The least urgency: routine, important or emergency.") var urgency = "routine"
        @Option(help: "id or en.") var language = "id"
        @Option(help: "The home region, whose clock says when digests come; the first region if none is given.")
        var home: String?
        @Option(
            help: "The address that is told when the endpoint is turned off, or the publisher to whom it belongs.")
        var owner: String?
        @Option(help: "A webhook's payload: full, or thin, the bulletin's identity with a link.") var payload: String?
        @Option(help: "A webhook's signature: v1 (HMAC), v1a (Ed25519); may be given more than once.")
        var signature: [String] = []
        @Flag(help: "Sends a webhook nothing until it has answered a challenge, which is tried immediately.")
        var verify = false
        @Flag(help: "Prints JSON Lines.") var json = false

        func validate() throws {
            guard [email != nil, webhook != nil, feed].filter({ $0 }).count == 1 else {
                throw ValidationError("one of --email, --webhook and --feed is needed")
            }
            guard !region.isEmpty else { throw ValidationError("--region is needed") }
            guard webhook != nil || !verify && signature.isEmpty else {
                throw ValidationError("--verify and --signature go with --webhook")
            }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let registries = try context.registries()
            var order = try context.subscriptionReader(registries).read(typed)
            order.terms.isVerified = !verify
            let store = try context.store()
            let added = try await SubscriptionOperations(.operator, store: store).add(
                order, zones: registries.timeZones, challenge: context.challenge(store))
            try print(added, publicURL: context.settings.http.publicURL)
            if let problem = added.unverified { context.logger.warning("\(problem)") }
        }

        private var typed: TypedSubscription {
            let channel: Channel = email != nil ? .email : webhook != nil ? .webhook : .feed
            var typed = TypedSubscription(
                channel: channel.rawValue, address: email ?? webhook ?? "", regions: region)
            if !field.isEmpty { typed.fields = field }
            (typed.kinds, typed.reach, typed.urgency) = (kind, reach, urgency)
            (typed.frequency, typed.language, typed.payload) = (frequency, language, payload)
            (typed.home, typed.owner, typed.signatures) = (home, owner, signature)
            return typed
        }

        /// Secrets are printed even after a fault, since they are told once.
        private func print(_ added: AddedSubscriptions, publicURL: String) throws {
            for stored in added.subscriptions {
                if json {
                    Output.jsonLine(stored.json(publicURL: publicURL))
                } else {
                    Output.line(stored.sentence(publicURL: publicURL))
                }
            }
            if let fault = added.fault { throw fault }
        }
    }
}
