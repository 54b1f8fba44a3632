import Administration
import ArgumentParser
import Bulletins
import Foundation
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
            let reader = context.subscriptionReader(registries)
            let table = try CSVTable(try InputFile.bytes(file), file: file, columns: SubscriptionReader.columns)
            // Two passes: the first finds every fault before anything is written, and neither keeps a million rows.
            var wishes = 0
            let count = try table.check { row in wishes += try reader.wishes(row).count }
            let progress = ImportProgress(all: wishes)
            let subscriptions = SubscriptionOperations(.operator, store: try context.store())
            var rows = table.rows
            let summary = try await subscriptions.import(
                zones: registries.timeZones,
                next: { wanted in
                    var found: [(line: Int, wish: SubscriptionWish)] = []
                    while found.count < wanted, let row = try rows.next() {
                        found += try reader.wishes(row).map { (line: row.line, wish: $0) }
                    }
                    return found
                },
                each: { stored, done in
                    for stored in stored { print(stored, publicURL: context.settings.http.publicURL) }
                    progress.tell(done)
                })
            if !json { Output.line("\(Output.count(count, "row")): \(summary.sentence)") }
            guard summary.refused.isEmpty else {
                let count = Output.count(summary.refused.count, "subscription")
                throw OperationError.invalid("\(count) were not changed", faults: summary.refused)
            }
        }

        /// As text only a new webhook or feed is printed, whose secret is told this once.
        private func print(_ stored: StoredSubscription, publicURL: String) {
            if json { return Output.jsonLine(stored.json(publicURL: publicURL)) }
            if stored.newSecret != nil { Output.line(stored.sentence(publicURL: publicURL)) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints all subscriptions as CSV, as import reads it.",
            discussion: "Endpoints that nobody has confirmed yet are left out, and counted on stderr.")

        @OptionGroup var options: CommonOptions

        func run() async throws {
            let subscriptions = SubscriptionOperations(.operator, store: try await CommandContext(options).store())
            print(SubscriptionCSV.header)
            let unconfirmed = try await subscriptions.export { print(SubscriptionCSV.line($0)) }
            if unconfirmed > 0 {
                Output.complain("\(Output.count(unconfirmed, "subscription")) left out, as not confirmed")
            }
        }
    }
}

extension ImportSummary {
    fileprivate var sentence: String {
        "\(Output.count(made, "subscription")) made, \(changed) changed, \(unchanged) there already, \(refused.count) refused"
    }
}

/// Shows on a terminal how far an import is.
private struct ImportProgress {
    let all: Int

    func tell(_ done: Int) {
        guard all > 1000, isatty(STDERR_FILENO) != 0 else { return }
        let end = done == all ? "\n" : ""
        FileHandle.standardError.write(Data("\r\(done) of \(all) subscriptions\(end)".utf8))
    }
}
