/*
 * What watched.h puts in Windows' place: writes each call into C:\watched.log, and makes it. Two
 * things are not as on Wine: controls come as a machine sends them that is shut down, and a user may
 * be no administrator.
 */
#define WATCHING
#include "watched.h"

#include <sddl.h>
#include <stdio.h>

/* Nobody may send SHUTDOWN to a service but the system: sent with this added, it is as if that had. */
enum { AS_THE_SYSTEM = 128, LINE_CHARS_MAX = 20000 };

static void note(const WCHAR *form, ...) {
  static WCHAR line[LINE_CHARS_MAX];
  static char utf8[LINE_CHARS_MAX * 3];
  va_list values;
  va_start(values, form);
  _vsnwprintf(line, LINE_CHARS_MAX - 1, form, values);
  va_end(values);
  WideCharToMultiByte(CP_UTF8, 0, line, -1, utf8, sizeof utf8, NULL, NULL);
  FILE *log = fopen("C:\\watched.log", "ab");
  fprintf(log, "%s\n", utf8);
  fclose(log);
}

static void note_rights(const WCHAR *call, const WCHAR *path, PSECURITY_DESCRIPTOR rights) {
  WCHAR *text;
  ConvertSecurityDescriptorToStringSecurityDescriptorW(
      rights, SDDL_REVISION_1, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &text, NULL);
  note(L"%ls %ls %ls", call, path, text);
  LocalFree(text);
}

BOOL WINAPI watched_ChangeServiceConfig2W(SC_HANDLE service, DWORD level, void *info) {
  if (level == SERVICE_CONFIG_FAILURE_ACTIONS) {
    const SERVICE_FAILURE_ACTIONSW *failure = info;
    note(L"failures are forgotten after %lu s", failure->dwResetPeriod);
    for (DWORD i = 0; i < failure->cActions; i += 1) {
      const SC_ACTION *action = &failure->lpsaActions[i];
      note(L"failure %lu: %ls after %lu ms", i + 1,
           action->Type == SC_ACTION_RESTART ? L"restart" : L"something else", action->Delay);
    }
  }
  if (level == SERVICE_CONFIG_FAILURE_ACTIONS_FLAG) {
    const SERVICE_FAILURE_ACTIONS_FLAG *flag = info;
    note(L"an exit code is a failure: %d", flag->fFailureActionsOnNonCrashFailures);
  }
  return ChangeServiceConfig2W(service, level, info);
}

BOOL WINAPI watched_CreateDirectoryW(const WCHAR *path, SECURITY_ATTRIBUTES *attributes) {
  note_rights(L"CreateDirectory", path, attributes->lpSecurityDescriptor);
  return CreateDirectoryW(path, attributes);
}

BOOL WINAPI watched_SetFileSecurityW(const WCHAR *path, SECURITY_INFORMATION what,
                                     PSECURITY_DESCRIPTOR wanted) {
  note(L"SetFileSecurity 0x%lx", what);
  note_rights(L"SetFileSecurity", path, wanted);
  return SetFileSecurityW(path, what, wanted);
}

/* As Windows does with who is no administrator. */
static BOOL is_refused(DWORD access, DWORD allowed) {
  if ((access & ~allowed) == 0 || GetEnvironmentVariableW(L"NO_ADMINISTRATOR", NULL, 0) == 0) {
    return FALSE;
  }
  SetLastError(ERROR_ACCESS_DENIED);
  return TRUE;
}

SC_HANDLE WINAPI watched_OpenSCManagerW(const WCHAR *machine, const WCHAR *database, DWORD access) {
  return is_refused(access, SC_MANAGER_CONNECT) ? NULL : OpenSCManagerW(machine, database, access);
}

SC_HANDLE WINAPI watched_OpenServiceW(SC_HANDLE manager, const WCHAR *name, DWORD access) {
  return is_refused(access, SERVICE_QUERY_STATUS) ? NULL : OpenServiceW(manager, name, access);
}

HANDLE WINAPI watched_RegisterEventSourceW(const WCHAR *machine, const WCHAR *source) {
  note(L"event source %ls", source);
  return RegisterEventSourceW(machine, source);
}

BOOL WINAPI watched_ReportEventW(HANDLE log, WORD type, WORD category, DWORD event, PSID user,
                                 WORD count, DWORD bytes, const WCHAR **texts, void *data) {
  note(L"event %lu of type %hu: %ls", event, type, texts[0]);
  return ReportEventW(log, type, category, event, user, count, bytes, texts, data);
}

static LPHANDLER_FUNCTION_EX handler_watched;

static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context) {
  return handler_watched(control & ~(DWORD)AS_THE_SYSTEM, type, data, context);
}

SERVICE_STATUS_HANDLE WINAPI watched_RegisterServiceCtrlHandlerExW(
    const WCHAR *name, LPHANDLER_FUNCTION_EX handler, void *context) {
  handler_watched = handler;
  return RegisterServiceCtrlHandlerExW(name, on_control, context);
}
