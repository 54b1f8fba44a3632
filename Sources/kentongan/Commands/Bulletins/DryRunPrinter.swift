import AMQP
import Administration
import ArgumentParser
import Bulletins
import Intake
import Storage
import Worker

/// Runs bulletins dry and prints the results. The exit code is 2 if one of them would be refused.
struct DryRunPrinter {
    private let dryRun: DryRun
    /// The AMQP user that would send the messages; nil if it is not known.
    private let user: String?
    private let json: Bool
    /// The checks that are left out, and why.
    private let unchecked: [String]

    init(_ context: CommandContext, user: String?, json: Bool) throws {
        let settings = context.settings
        let user = user ?? settings.broker.connection?.username
        let judge = MessageJudge(
            registries: try context.registries(), requiresUser: settings.broker.requiresUser && user != nil)
        dryRun = DryRun(.operator, judge: judge, store: context.hasStore ? try context.store() : nil)
        (self.user, self.json) = (user, json)
        var unchecked: [String] = []
        if !context.hasStore {
            unchecked.append(
                "the publisher's registration, known revisions, proposals and whom it would reach, as there is no store at \(settings.store.path)"
            )
        }
        if settings.broker.requiresUser, user == nil {
            unchecked.append("the AMQP user, as amqp.url is not set; --user names one")
        }
        self.unchecked = unchecked
    }

    func run(_ bulletins: [PublishedBulletin]) async throws {
        for reason in unchecked { Output.complain("not looked at: \(reason)") }
        var isGood = true
        try await dryRun.run(bulletins, user: user) { result in
            if case .rejected = result.outcome { isGood = false }
            if json { Output.jsonLine(result.json(unchecked: unchecked)) } else { printText(result) }
        }
        if !isGood { throw ExitCode(2) }
    }

    private func printText(_ result: DryRunResult) {
        switch result.outcome {
        case .rejected(let rejection):
            Output.line("line \(result.bulletin.line): refused as \(rejection.reason.rawValue)")
            for error in rejection.errors { Output.line("  \(error.path): \(error.message)") }
        case .accepted(nil):
            Output.line("\(result.bulletin.name): good as far as it was looked at")
        case .accepted(let acceptance?):
            Output.line(
                "\(result.bulletin.name): \(acceptance.outcome.sentence), would reach \(acceptance.endpoints) endpoints"
            )
            for note in acceptance.accepted.notes { Output.line("  \(note)") }
            for row in acceptance.reach { Output.line("  \(row.channel) in \(row.region): \(row.endpoints)") }
        }
    }
}
