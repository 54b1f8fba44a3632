import ArgumentParser
import Bulletins
import Storage
import Worker

/// `check`: validates the configuration and tries everything that it names. A failure does not end the tries after it.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validates the configuration and tries the store, the broker and the relay.")

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let context = try await CommandContext(options)
        tell("ok", "config", options.sentence)
        if let warning = options.config.flatMap(SettingsFile.exposure) { tell("warning", "config", warning) }
        let isDataGood = checkData(context)
        var isGood = await checkStore(context)
        let check = SettingsCheck(settings: context.settings, logger: context.logger)
        for finding in [await check.broker()] + (await check.relays()) {
            tell(finding.isGood ? "ok" : "FAILED", finding.part, finding.detail)
            isGood = isGood && finding.isGood
        }
        guard isDataGood else { throw ExitCode(78) }
        if !isGood { throw ExitCode.failure }
    }

    private func checkData(_ context: CommandContext) -> Bool {
        do throws(ConfigurationError) {
            let registries = try context.settings.data.load()
            tell(
                "ok", "data", "\(registries.regions.count - 1) regions, \(registries.fields.entries.count) fields")
            return true
        } catch {
            for fault in error.all { tell("FAILED", "data", "\(fault)") }
            return false
        }
    }

    private func checkStore(_ context: CommandContext) async -> Bool {
        do {
            tell("ok", "store", "\(context.settings.store.path), identity \(try await context.store().identity())")
            return true
        } catch {
            tell("FAILED", "store", "\(error)")
            return false
        }
    }

    private func tell(_ verdict: String, _ part: String, _ detail: String) {
        let line = "\(verdict.padding(to: 7)) \(part.padding(to: 7))  \(detail)"
        Output.line(line.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
