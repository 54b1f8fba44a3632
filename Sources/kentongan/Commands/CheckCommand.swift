import ArgumentParser
import Bulletins
import Storage
import Worker

/// `check`: validates the configuration and tries what it names.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validates the configuration and tries the store, the broker and the relay.")

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let context = try await CommandContext(options)
        let registries = try context.registries()
        Output.line(
            "ok      data     \(registries.regions.count - 1) regions, \(registries.fields.entries.count) fields")
        let store = try context.store()
        Output.line("ok      store    \(context.settings.storePath), identity \(try await store.identity())")
        let check = SettingsCheck(settings: context.settings, logger: context.logger)
        let findings = [await check.broker()] + (await check.relays())
        for finding in findings {
            Output.line("\(finding.isGood ? "ok    " : "FAILED")  \(finding.part.padding(to: 7))  \(finding.detail)")
        }
        if findings.contains(where: { !$0.isGood }) { throw ExitCode.failure }
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
