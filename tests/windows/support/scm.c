/*
 * Windows' service manager, asked without the addon: `scm create NAME COMMAND`, `scm start NAME`,
 * `scm control NAME CODE`, or `scm query NAME`, which prints a line `what: value` for each.
 * Ends with Windows' number of an error.
 */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

enum { CONFIG_BYTES_MAX = 8192 };

typedef union {
  QUERY_SERVICE_CONFIGW config;
  SERVICE_DESCRIPTIONW description;
  SERVICE_PRESHUTDOWN_INFO preshutdown;
  BYTE bytes[CONFIG_BYTES_MAX];
} about_service;

static void print_text(const char *what, const WCHAR *text) {
  char utf8[CONFIG_BYTES_MAX];
  WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, sizeof utf8, NULL, NULL);
  printf("%s: %s\n", what, utf8);
}

static BOOL print_state(SC_HANDLE service) {
  SERVICE_STATUS status;
  if (!QueryServiceStatus(service, &status)) return FALSE;
  printf("state: %lu\nerror: %lu\naccepts: 0x%lx\n", status.dwCurrentState, status.dwWin32ExitCode,
         status.dwControlsAccepted);
  return TRUE;
}

static BOOL query(SC_HANDLE service) {
  static about_service about;
  DWORD needed;
  if (!print_state(service)) return FALSE;
  if (!QueryServiceConfigW(service, &about.config, sizeof about, &needed)) return FALSE;
  printf("type: 0x%lx\nstart: %lu\nerrors: %lu\n", about.config.dwServiceType,
         about.config.dwStartType, about.config.dwErrorControl);
  print_text("command", about.config.lpBinaryPathName);
  print_text("account", about.config.lpServiceStartName);
  print_text("display name", about.config.lpDisplayName);
  if (!QueryServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, about.bytes, sizeof about,
                            &needed)) {
    return FALSE;
  }
  print_text("description", about.description.lpDescription);
  if (!QueryServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, about.bytes, sizeof about,
                            &needed)) {
    return FALSE;
  }
  printf("preshutdown ms: %lu\n", about.preshutdown.dwPreshutdownTimeout);
  return TRUE;
}

static SC_HANDLE create(SC_HANDLE manager, const WCHAR *name, const WCHAR *command) {
  return CreateServiceW(manager, name, name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                        SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE, command, NULL, NULL, NULL, NULL,
                        NULL);
}

int wmain(int count, WCHAR **words) {
  SERVICE_STATUS status;
  if (count < 3) return ERROR_INVALID_PARAMETER;
  const WCHAR *verb = words[1], *name = words[2], *more = count > 3 ? words[3] : L"";
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
  if (manager == NULL) return (int)GetLastError();
  const BOOL is_new = wcscmp(verb, L"create") == 0;
  const SC_HANDLE service = is_new ? create(manager, name, more)
                                   : OpenServiceW(manager, name, SERVICE_ALL_ACCESS);
  if (service == NULL) return (int)GetLastError();
  BOOL done = is_new;
  if (wcscmp(verb, L"start") == 0) done = StartServiceW(service, 0, NULL);
  if (wcscmp(verb, L"control") == 0) {
    done = ControlService(service, wcstoul(more, NULL, 10), &status);
  }
  if (wcscmp(verb, L"query") == 0) done = query(service);
  return done ? 0 : (int)GetLastError();
}
