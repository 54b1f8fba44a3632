import ArgumentParser
import Bulletins
import Foundation
import HTTPPost
import Runtime
import Storage
import Worker

extension SubscriptionsCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds subscriptions from a CSV file.",
            discussion: """
                Columns: channel, address, region, field and optionally kinds, reach, urgency, frequency, language, payload, \
                home, owner, signatures. Several values in a cell are separated by |. Commas, semicolons or tabs separate \
                cells. A file with a bad row is refused whole, and all bad rows are told. The rows are written in many \
                short transactions, so that deliveries go on; an import that was interrupted can simply be run again.
                """)

        @OptionGroup var options: CommonOptions
        @Argument(help: "A CSV file, or - for standard input.") var file: String
        @Flag(help: "Prints JSON Lines, with the secrets of new webhooks.") var json = false

        func run() async throws {
            let context = try await CommandContext(options)
            let registries = try context.registries()
            let reader = SubscriptionReader(
                codes: CodeReader(registries: registries),
                webhooks: AddressGuard(allowed: context.settings.webhooks.allowedNetworks))
            let rows = try CSVTable(file: file, columns: SubscriptionReader.columns).read { row in
                try reader.wishes(row).map { (line: row.line, wish: $0) }
            }
            var work = SubscriptionImport(
                store: try context.store(), zones: registries.timeZones, publicURL: context.settings.http.publicURL,
                isJSON: json)
            try await work.run(rows.flatMap(\.self))
            if !json { Output.line("\(Output.count(rows.count, "row")): \(work.sentence)") }
            guard work.refused.isEmpty else {
                RowFault.tell(work.refused)
                throw RefusedInput("\(Output.count(work.refused.count, "subscription")) were not changed")
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints all subscriptions as CSV, as import reads it.",
            discussion: "Endpoints that nobody has confirmed yet are left out, and counted on stderr.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let store = try await CommandContext(options).store()
            print(StoredSubscription.csvHeader)
            // Who has not agreed yet is asked again where it is imported.
            var unconfirmed = 0
            try await store.eachSubscription {
                if $0.state == "unverified" { unconfirmed += 1 } else { print($0.csvLine) }
            }
            if unconfirmed > 0 {
                Output.complain("\(Output.count(unconfirmed, "subscription")) left out, as not confirmed")
            }
        }
    }
}

/// Writes the subscriptions of a file, and counts what became of them.
private struct SubscriptionImport {
    let store: any Store
    let zones: TimeZones
    let publicURL: String
    let isJSON: Bool
    private(set) var refused: [RowFault] = []
    private var (made, changed, there) = (0, 0, 0)

    /// The writer's lock is held for a chunk, and an emergency waits no longer than that.
    private static let chunk = 250

    init(store: any Store, zones: TimeZones, publicURL: String, isJSON: Bool) {
        (self.store, self.zones, self.publicURL, self.isJSON) = (store, zones, publicURL, isJSON)
    }

    var sentence: String {
        "\(Output.count(made, "subscription")) made, \(changed) changed, \(there) there already, \(refused.count) refused"
    }

    mutating func run(_ wanted: [(line: Int, wish: SubscriptionWish)]) async throws {
        let progress = ImportProgress(all: wanted.count)
        for start in stride(from: 0, to: wanted.count, by: Self.chunk) {
            let end = min(start + Self.chunk, wanted.count)
            try await write(wanted[start..<end])
            progress.tell(end)
        }
    }

    private mutating func write(_ rows: ArraySlice<(line: Int, wish: SubscriptionWish)>) async throws {
        let endpoints = Set(rows.map(\.wish.subscription.endpoint))
        var known: [Int64: Subscription] = [:]
        var schemes: [Endpoint: SignatureSchemes] = [:]
        for stored in try await store.subscriptions(at: Array(endpoints)) {
            known[stored.number] = stored.subscription
            schemes[stored.subscription.endpoint] = stored.webhook?.schemes
        }
        var writable: [(line: Int, wish: SubscriptionWish)] = []
        for row in rows {
            if let present = schemes[row.wish.subscription.endpoint], let fault = row.wish.terms.fault(against: present)
            {
                refused.append(RowFault(line: row.line, reason: fault))
            } else {
                writable.append(row)
            }
        }
        let stored = try await store.add(writable.map(\.wish), zones: zones, now: WallClock.system.now)
        for (row, stored) in zip(writable, stored) { count(row.line, row.wish, stored, &known) }
    }

    private mutating func count(
        _ line: Int, _ wish: SubscriptionWish, _ stored: StoredSubscription, _ known: inout [Int64: Subscription]
    ) {
        let wanted = wish.subscription
        let before = known.updateValue(stored.subscription, forKey: stored.number)
        let left = stored.subscription.differences(from: wanted)
        // A row above this one may have made the webhook.
        let signature = stored.webhook.flatMap { wish.terms.fault(against: $0.schemes) }
        if let fault = signature ?? (left.isEmpty ? nil : stored.fault(against: wanted)) {
            refused.append(RowFault(line: line, reason: fault))
        } else if let before {
            if before.differences(from: stored.subscription).isEmpty { there += 1 } else { changed += 1 }
        } else {
            made += 1
        }
        if isJSON { return Output.jsonLine(stored.json(publicURL: publicURL)) }
        // A secret is never told again.
        if stored.newSecret != nil { Output.line(stored.sentence(publicURL: publicURL)) }
    }
}

/// Tells on a terminal how far an import is.
private struct ImportProgress {
    let all: Int

    func tell(_ done: Int) {
        guard all > 1000, isatty(STDERR_FILENO) != 0 else { return }
        let end = done == all ? "\n" : ""
        FileHandle.standardError.write(Data("\r\(done) of \(all) subscriptions\(end)".utf8))
    }
}

extension StoredSubscription {
    fileprivate static let csvHeader =
        "channel,address,region,field,kinds,reach,urgency,frequency,language,payload,home,owner,signatures"

    fileprivate var csvLine: String {
        [
            subscription.endpoint.channel.rawValue, subscription.endpoint.address, subscription.region.code,
            subscription.field.description, subscription.kinds.map(\.rawValue).sorted().joined(separator: "|"),
            subscription.reach.rawValue, subscription.urgency.rawValue, subscription.frequency.rawValue,
            subscription.language, webhook == nil ? "" : subscription.payload.rawValue, subscriber.home?.code ?? "",
            subscriber.owner ?? "", webhook?.schemes.names.joined(separator: "|") ?? "",
        ].map(CSVTable.cell).joined(separator: ",")
    }
}
